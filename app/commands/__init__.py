"""One file per subcommand. A file stays cheap to import: what is heavy comes in when it runs."""
