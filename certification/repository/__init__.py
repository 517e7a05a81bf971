"""Reading and locking certification's rows."""
