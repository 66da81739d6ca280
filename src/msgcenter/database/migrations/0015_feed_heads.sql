-- Each cell has a row here from its start, so that statements about the cell can be joined with it.
insert into feed_head (cell, position)
select platform.first_cell + place, 0
from platform cross join lateral generate_series(0, platform.cells - 1) as place
on conflict (cell) do nothing;
