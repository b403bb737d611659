import LineEditing
import Testing
