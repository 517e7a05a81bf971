"""参数题: numbers drawn within ranges, the key computed; every form carries an instance of its own."""
