-- What the practice's software said last of an event: said again, it undoes nothing that people have answered since.

ALTER TABLE agenda_event ADD COLUMN given_state TEXT;
UPDATE agenda_event SET given_state = CASE
    WHEN state = 'cancelled' AND EXISTS (SELECT 1 FROM agenda_answer WHERE agenda_answer.event = agenda_event.id AND agenda_answer.answer = 'cancel')
    THEN 'booked' ELSE state END;
