"""The bot's comments: they follow the store, whichever replica writes them."""
