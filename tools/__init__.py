"""Commands for those who work on playvitals; no part of what is installed."""
