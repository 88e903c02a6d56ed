-- How long a document's text is, in bytes, so that what is too much to be read need not be read to find that out. Null in
-- rows from before.
alter table documents add column bytes integer;
