"""The bot's comments: what they say follows the store, whoever writes them."""
