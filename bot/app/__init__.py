"""The composition root: builds the parts of the bot, starts them and stops them in reverse order."""
