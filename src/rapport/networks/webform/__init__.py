"""A contact form on Rapport's own pages, also inside other sites, and the page where it is answered."""
