"""Words for views: Markdown out of templates, in which nothing hostile keeps its power."""
