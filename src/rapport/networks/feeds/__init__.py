"""RSS, Atom and JSON feeds: blogs, forums, review sites, news alerts."""
