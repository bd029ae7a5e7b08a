"""Methods of search compared on equal ground: protocol in README.md, results in docs/results.md."""
