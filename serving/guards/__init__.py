"""Who may call, how often, and how much work is let in."""
