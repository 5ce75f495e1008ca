"""Letters, calls and visits: what reaches the brand outside any network, entered by an agent."""
