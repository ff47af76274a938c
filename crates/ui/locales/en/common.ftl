error-prefix = Error:
error-summary = There is a problem
error-required = Fill this in
error-email = Enter an e-mail address like name@example.org
error-phone = Enter a phone number with country code, like +49 30 1234567
error-too-long = This is too long
error-number = Enter a whole number

state-free = Free
state-occupied = Occupied
state-reserved = Reserved
state-open = Open
state-out-of-service = Out of service
state-alarm = Alarm
state-unknown = Unknown

map-name = Map of { $bank }: { $states }
map-table = Compartments of { $bank }
map-number = Compartment
map-place = Where
map-size = Size
map-state = State
map-low-reach = low reach
map-door = { map-number } { $number }, { $place }
place-top = top row
place-bottom = bottom row
place-row = row { $row } of { $rows }
place-column = { $column ->
    [1] first
    [2] second
    [3] third
    [4] fourth
    [5] fifth
   *[other] number { $column }
  } from left
place-both = { $row }, { $column }

pager = Pages
pager-first = First page
pager-next = Next page

count-parcels = { $count ->
    [one] { $count } parcel
   *[other] { $count } parcels
  }
count-doors = { $count ->
    [one] { $count } door
   *[other] { $count } doors
  }
live = Live
live-stale = Reconnecting, last data
live-failed = Not sent. Check the connection and try again.
copy = Copy
copied = Copied
close = Close
cancel = Cancel
save = Save
back = Back
