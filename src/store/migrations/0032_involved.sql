-- Whom four eyes exclude besides created_by, retried_by and those who decided: as {"started": [...], "passed": [{"step_ref", "by"}]}.
alter table workflow_runs add column involved jsonb;
