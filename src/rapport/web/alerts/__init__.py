"""Pages of alerts: what is talked about far more than usual."""
