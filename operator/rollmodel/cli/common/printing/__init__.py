"""What commands print: text on a terminal, rows of ``get``, ``-o`` in the words of kubectl, HTML."""
