-- How often it had been found out whom a campaign means when its state was told: a launch that came to nothing between two looks is told
-- by that. NULL: nobody had counted.
ALTER TABLE webhook_campaign ADD COLUMN findings BIGINT;
