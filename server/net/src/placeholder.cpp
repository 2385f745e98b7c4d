// removed as soon as the module has a source
