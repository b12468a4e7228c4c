// Placeholder so that the floor compiles; removed with its first file.
