"""Reading and finding rows of the bank inside the actor's walls."""
