"""A Good/Same/Bad study anyone can run: `bundle` makes its page by a balanced `design`, `serve` collects votes, `report` tells them."""
