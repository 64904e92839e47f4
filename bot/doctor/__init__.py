"""What `chatops doctor` looks at before the bot is trusted with work: one module of checks for each part."""
