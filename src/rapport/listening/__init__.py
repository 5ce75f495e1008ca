"""Listening: queries for what people say without addressing us, and how posts are matched against them."""
