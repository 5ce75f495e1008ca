"""The pages of saved queries."""
