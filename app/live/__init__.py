"""What the API process reads itself: the topics behind the live page and ``/v1/quality``."""
