"""One folder per item type (题型), behind the contract in `item_templates.contract`."""
