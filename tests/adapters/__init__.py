"""What turns a vector's inputs into its outputs, through the functions that a simulation uses: a module a venue, a function a kind."""
