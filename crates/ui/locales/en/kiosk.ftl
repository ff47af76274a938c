k-home-title = Collect a parcel
k-home-lead = Type the 8 digits from your message
k-camera = Or hold the QR code to the camera
k-camera-off = The camera is not available. Type the digits instead.
k-camera-notice = The camera looks for a QR code only. No picture is kept.
k-code = Pickup code
k-key-back = Back
k-key-clear = Clear
k-key-enter = Enter
k-deliver = I deliver parcels
k-help = Help
k-cancel = Cancel
k-back = Back
k-done = Done
k-continue = Continue
k-language = Language
k-larger = Larger text
k-contrast = High contrast
k-lower = Lower layout
k-clock = Time

k-open-title = Compartment { $number } is open
k-opening-title = Opening compartment { $number }
k-open-place = { $place }
k-open-take = Take your parcel and close the door.
k-open-close-now = Please close the door. It has been open for { $seconds } seconds.
k-open-again = Open again
k-open-empty = Nothing in it?
k-open-wont-close = Door doesn't close
k-open-failed = Compartment { $number } did not open. It is now out of service and the operator has been told.
k-open-failed-other = Another compartment opens now.
k-open-unknown = We can't see whether compartment { $number } opened. Please look, then choose.
k-collected = Collected. Goodbye.
k-collected-more = { $count ->
    [one] One more parcel is waiting for you.
   *[other] { $count } more parcels are waiting for you.
  }

k-code-refused-title = This code can't be used here
k-code-refused = It may be mistyped, already used, expired, or for another bank. Check the message and try again.
k-code-tries = { $count ->
    [one] One try left before a pause.
   *[other] { $count } tries left before a pause.
  }
k-code-wait-title = Too many tries
k-code-wait = The keypad works again in { $seconds } seconds.
k-try-again = Try again
k-reference = Reference { $code }
k-contact = Need help? { $contact }

k-courier-title = Courier sign-in
k-courier-lead = Type your personal code
k-courier-code = Personal code
k-courier-hello = Signed in for { $carrier }
k-courier-refused = This code was not accepted. Check it and try again.
k-recipient-title = Who is the parcel for?
k-recipient-lead = Type the unit or the name on the label
k-recipient-search = Unit or name
k-recipient-find = Find
k-recipient-none-title = Nobody found
k-recipient-none = Check the label. If it is right, take the parcel back with you.
k-recipient-many = More than one match. Type more letters or the unit.
k-recipient-confirm-title = Is this right?
k-recipient-confirm = Unit { $unit } · { $name }
k-recipient-yes = Yes, this one
k-recipient-no = No, search again
k-size-title = Which size fits?
k-size-s = Small
k-size-m = Medium
k-size-l = Large
k-size-xl = Extra large
k-size-measure = { $width } × { $height } × { $depth } cm
k-size-free = { $count ->
    [0] none free
    [one] { $count } free
   *[other] { $count } free
  }
k-size-low = Low compartment
k-size-low-hint = reachable from a wheelchair
k-full-title = No compartment of this size is free
k-full = Choose a larger size, or take the parcel back with you.
k-place-title = Put the parcel into compartment { $number }
k-place-close = Close the door to finish.
k-place-bigger = Doesn't fit: bigger
k-delivered-title = Delivered
k-delivered = The recipient gets a message.
k-delivered-later = This bank is offline. The recipient gets a message when it is connected again.
k-next-parcel = Next parcel
k-finish = Finish
k-cancelled = Cancelled. Nothing was delivered.

k-idle-title = Are you still there?
k-idle-lead = This page closes in
k-idle-seconds = seconds
k-idle-stay = I'm still here
k-alarm = Alarm: compartment { $number } was opened without permission
k-alarm-held = Compartment { $number } is still open. Please close it.
k-alarm-tamper = Alarm: this cabinet is being tampered with
k-offline = Offline since { $time }. Collecting and delivering still work.
k-out-of-order-title = Out of order
k-out-of-order = This bank can't open doors right now. Your parcel is safe. The operator has been told.
k-error-title = Something went wrong
k-error = Nothing was opened. Please try again.
k-pause = One moment
k-map = Where it is
