"""What report.html is made of: pictures of the layers, the map, charts, tables and words, put together by one page."""
