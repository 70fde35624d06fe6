"""A client that keeps one set of bearer credentials valid, written from the page of the suite. Not for production."""
