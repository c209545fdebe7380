-- Seats: what one engine does at a time, for a while: sessions of accounts, and duties. By the server's clock.
-- KEYS[1] seats c:seats
-- ARGV[1] epoch  [2] how long a seat is kept, microseconds, where nobody else wants any of its group  [3] where somebody does
--     [4] how long a wish is known  then in fives: group, its seats over all engines, those that are held ",0,2,", those that are wanted, and
--     whether a session takes messages (1 or 0)
-- Returns: for each group: others that want seats of it, whether one of them has a session that takes messages, how many of them do not know
--     of this engine yet, how many seats are another's by right, and the seats that are
--     this engine's with their tokens, "0:17,2:19".
-- Limits: at most 3,000 seats and wishes of one engine, since each is an argument of one command here.
local call, key, epoch = redis.call, KEYS[1], ARGV[1]
local long, short, known_for = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local function at(after) return string.format('%.0f', now + after) end

-- Seats: 'S' group '#' number → epoch, token, until. Wishes: 'W' group '#' epoch → usable, alone (was told of nobody else), until.
local seats, wishes, over = {}, {}, {}
local all = call('HGETALL', key)
for i = 1, #all, 2 do
  local kind, group, number = string.match(all[i], '^([SW])(.*)#(%d+)$')
  if kind then
    local first, second, ends = string.match(all[i + 1], '^(%d+):(%d+):(%d+)$')
    if tonumber(ends) <= now then
      over[#over + 1] = all[i]
    else
      local of = kind == 'S' and seats or wishes
      of[group] = of[group] or {}
      of[group][number] = { first, second }
    end
  end
end

local puts, replies = {}, {}
local function put(field, value) puts[#puts + 1], puts[#puts + 2] = field, value end
for i = 5, #ARGV, 5 do
  local group, total, held, wanted, usable = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local others, takes, unaware = 0, 0, 0
  for other, wish in pairs(wishes[group] or {}) do
    if other ~= epoch then
      others = others + 1
      if wish[1] == '1' then takes = 1 end
      if wish[2] == '1' then unaware = unaware + 1 end
    end
  end
  local function is_in(list, number) return string.find(list, ',' .. number .. ',', 1, true) ~= nil end
  local mine, of, theirs = {}, seats[group] or {}, {}
  for number = 0, total - 1 do
    local seat = of[tostring(number)]
    if seat then theirs[seat[1]] = (theirs[seat[1]] or 0) + 1 end
    if seat and seat[1] == epoch and is_in(held, number) then
      mine[#mine + 1] = { number, seat[2] }
    end
  end
  local wants = wanted ~= ',' or held ~= ','
  -- As many for each as there are; one more for some, when none has less than every engine should.
  local fair, free = total, total - #mine
  if others > 0 then
    local poorest, least = total, math.floor(total / (others + 1))
    fair = math.ceil(total / (others + 1))
    for other in pairs(wishes[group]) do
      if other ~= epoch then
        free, poorest = free - (theirs[other] or 0), math.min(poorest, theirs[other] or 0)
      end
    end
    if poorest < least and (free <= 0 or #mine < fair) then fair = least end
  end
  for number = 0, total - 1 do
    local seat = of[tostring(number)]
    local is_free = not seat or (seat[1] == epoch and not is_in(held, number))
    if is_free and #mine < fair and is_in(wanted, number) then
      mine[#mine + 1] = { number, call('HINCRBY', key, 'token', 1) }
    elseif seat and is_free then
      over[#over + 1] = 'S' .. group .. '#' .. number
    end
  end
  -- Seats that the account does not have any more.
  for number, seat in pairs(of) do
    if tonumber(number) >= total and seat[1] == epoch then over[#over + 1] = 'S' .. group .. '#' .. number end
  end
  local list = {}
  for place, seat in ipairs(mine) do
    list[place] = seat[1] .. ':' .. seat[2]
    put('S' .. group .. '#' .. seat[1], epoch .. ':' .. seat[2] .. ':' .. at(others > 0 and short or long))
  end
  local wish = 'W' .. group .. '#' .. epoch
  if wants then
    put(wish, usable .. ':' .. (others > 0 and 0 or 1) .. ':' .. at(known_for))
  elseif (wishes[group] or {})[epoch] then
    over[#over + 1] = wish
  end
  local surplus = 0
  if others > 0 and #mine > fair then surplus = #mine - fair end
  replies[#replies + 1] = { others, takes, unaware, surplus, table.concat(list, ',') }
end
if #over > 0 then call('HDEL', key, unpack(over)) end
if #puts > 0 then call('HSET', key, unpack(puts)) end
return replies
