"""The checks of `chatops doctor`: one module for each part that the bot depends on."""
