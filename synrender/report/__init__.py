"""Shows a data set: contact sheets, and a report in HTML."""
