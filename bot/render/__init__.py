"""Renders views as Markdown with templates; hostile text in them stays harmless."""
