"""Documents of the bank: the report on a bank and the list of banks, as PDF and Excel."""
