kiosk-title-home = استلام طرد
kiosk-title-opening = يجري الفتح
kiosk-title-open = الخزانة مفتوحة
kiosk-title-close = أغلق الباب
kiosk-title-stuck = لم يُفتح الباب

kiosk-language = اللغة
kiosk-display = العرض
kiosk-contrast = تباين
kiosk-larger = خط أكبر
kiosk-lower = أسفل الشاشة
kiosk-reset = العرض المعتاد
kiosk-help = تحتاج مساعدة؟
kiosk-stale = فقدت هذه الشاشة الاتصال بالخزائن. يُرجى الانتظار.
kiosk-not-sent = لم يُرسل. يُرجى المحاولة مجددًا.
kiosk-digits-said = من 8 أرقام أُدخلت
kiosk-moment = لحظة من فضلك.
kiosk-back = رجوع
kiosk-done = تم
kiosk-finish = إنهاء
kiosk-enter = إدخال
kiosk-for = إلى
kiosk-wrong = هل هناك مشكلة؟

kiosk-home-title = أدخل رمزك
kiosk-home-lead = الأرقام الثمانية من رسالتك
kiosk-keypad = لوحة الأرقام
kiosk-clear = مسح
kiosk-erase = حذف
kiosk-camera = قرّب رمز QR من الكاميرا
kiosk-camera-picture = صورة الكاميرا
kiosk-camera-privacy = تبحث الكاميرا عن رموز QR فقط. لا تُحفظ أي صورة.
kiosk-camera-other = رمز QR هذا ليس منا. أظهر الرمز الموجود في رسالتك.
kiosk-camera-off = الكاميرا غير متاحة. أدخل الأرقام الثمانية بدلًا من ذلك.
kiosk-token-open = اكتب نص رمز QR
kiosk-token = نص رمز QR
kiosk-checking = يجري التحقق
kiosk-paused-title = لوحة الأرقام متوقفة مؤقتًا
kiosk-paused = أُدخلت رموز خاطئة كثيرة. ما زال بإمكانك تقريب رمز QR من الكاميرا.
kiosk-closed-title = لوحة الأرقام مغلقة
kiosk-closed = أُدخلت رموز خاطئة كثيرة وأُبلغ الموظفون. ما زال بإمكانك تقريب رمز QR من الكاميرا.
kiosk-needs-staff = أُدخلت رموز خاطئة كثيرة وأُبلغ الموظفون، وسيعيدون فتح اللوحة. ما زال بإمكانك تقريب رمز QR من الكاميرا.
kiosk-out-of-order-title = خارج الخدمة
kiosk-out-of-order = لا تفتح هذه الخزائن شيئًا الآن. الطرود في الداخل آمنة، وأُبلغ الموظفون.

kiosk-code-refused-title = هذا الرمز غير صالح عند هذه الخزائن
kiosk-code-refused = ربما كُتب خطأً، أو استُخدم، أو انتهت مدته، أو يخص خزائن أخرى. ابحث عن أحدث رسالة وحاول مجددًا.
kiosk-tries-left = { $count ->
    [0] لا محاولات متبقية قبل التوقف.
    [one] بقيت محاولة واحدة قبل التوقف.
    [two] بقيت محاولتان قبل التوقف.
    [few] بقيت { $count } محاولات قبل التوقف.
   *[other] بقيت { $count } محاولة قبل التوقف.
  }
kiosk-code-short-title = الرمز من 8 أرقام
kiosk-code-short = يُرجى إدخالها كلها.
kiosk-too-many-title = رموز خاطئة كثيرة
kiosk-too-many = يُرجى الانتظار حتى تعمل لوحة الأرقام مجددًا.
kiosk-door-unavailable-title = لا يمكن فتح هذا الباب الآن
kiosk-door-unavailable = طردك آمن. يُرجى المحاولة بعد دقائق.
kiosk-door-stuck-title = على الموظفين فتح هذا الباب
kiosk-door-stuck = لم يُفتح عدة مرات. طردك آمن، وأُبلغ الموظفون.
kiosk-too-late-title = استغرق ذلك وقتًا طويلًا
kiosk-too-late = لم يُفتح شيء. يُرجى المحاولة مجددًا.
kiosk-no-space-title = لا توجد خزانة خالية مناسبة
kiosk-no-space = جرّب حجمًا آخر، أو أبقِ الطرد معك.
kiosk-another-title = لم تُفتح الخزانة { $number }
kiosk-another = أصبحت خارج الخدمة. ستُفتح خزانة أخرى.
kiosk-reported-title = شكرًا، أُبلغ الموظفون
kiosk-reported = لا حاجة إلى أن تفعل شيئًا آخر.
kiosk-cancelled-title = أُلغي
kiosk-cancelled = لم يُسلَّم شيء. يُرجى إبقاء الطرد معك.
kiosk-away-title = الخزائن لا تجيب
kiosk-away = يُرجى الانتظار لحظة ثم المحاولة مجددًا. الطرود في الداخل آمنة.
kiosk-alarm-forced = الخزانة { $number } مفتوحة دون إذن. أُبلغ الموظفون.
kiosk-alarm-held = الخزانة { $number } مفتوحة منذ وقت طويل. يُرجى إغلاق بابها.

kiosk-idle-title = هل ما زلت هنا؟
kiosk-idle = وإلا نبدأ من جديد وننسى ما أُدخل.
kiosk-still-here = ما زلت هنا

kiosk-find-title = لمن هذا الطرد؟
kiosk-carrier = تم الدخول لصالح { $carrier }
kiosk-delivered = { $count ->
    [one] سُلّم طرد واحد
    [two] سُلّم طردان
    [few] سُلّمت { $count } طرود
    [many] سُلّم { $count } طردًا
   *[other] سُلّم { $count } طرد
  }
kiosk-find-label = الوحدة أو الاسم
kiosk-find = بحث
kiosk-find-hint = أدخل الوحدة، أو حرفين من الاسم. تظهر النتائج هنا.
kiosk-matches = النتائج
kiosk-more-matches = هناك المزيد. أدخل المزيد للتضييق.
kiosk-no-match-title = لم يُعثر على أحد
kiosk-no-match = راجع الملصق. إن كان صحيحًا فأبقِ الطرد معك.
kiosk-keyboard = لوحة المفاتيح
kiosk-space = مسافة
kiosk-keys-digits = 1 2 3 4 5 6 7 8 9 0
kiosk-keys-digits-name = 123
kiosk-keys-latin = A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
kiosk-keys-latin-name = ABC
kiosk-keys-own = ا أ ب ت ث ج ح خ د ذ ر ز س ش ص ض ط ظ ع غ ف ق ك ل م ن ه ة و ي ى ء
kiosk-keys-own-name = أبت

kiosk-confirm-title = هل هذا صحيح؟
kiosk-confirm = قارنه بالملصق.
kiosk-confirm-yes = نعم، تابع
kiosk-confirm-no = لا، ابحث مجددًا

kiosk-size-title = أي حجم يناسب؟
kiosk-size-s = صغير
kiosk-size-s-hint = حتى علبة أحذية
kiosk-size-m = متوسط
kiosk-size-m-hint = حتى صندوق نقل
kiosk-size-l = كبير
kiosk-size-l-hint = حتى حقيبة سفر
kiosk-size-x = كبير جدًا
kiosk-size-x-hint = أي شيء أكبر
kiosk-size-measure = { $width } × { $height } سم
kiosk-size-free = { $count ->
    [0] لا شيء خالٍ
    [one] واحدة خالية
    [two] اثنتان خاليتان
    [few] { $count } خالية
   *[other] { $count } خالية
  }

kiosk-opening-title = يجري فتح الخزانة { $number }
kiosk-opening-drop = جهّز الطرد.
kiosk-opening-take = ابتعد قليلًا عن الباب.
kiosk-open-title = الخزانة { $number } مفتوحة
kiosk-place = ضع الطرد في الداخل وأغلق الباب. هذا كل شيء.
kiosk-take = خذ طردك وأغلق الباب. هذا كل شيء.
kiosk-bigger = خزانة أكبر
kiosk-take-back = إلغاء التسليم
kiosk-already-full = يوجد شيء في الداخل
kiosk-does-not-close = الباب لا يُغلق
kiosk-empty = الخزانة فارغة
kiosk-not-mine = ليس لي
kiosk-close-title = أغلق الخزانة { $number }
kiosk-close-bigger = أخرج الطرد وأغلق الباب. ثم تُفتح خزانة أكبر.
kiosk-close-cancelled = أخرج الطرد وأغلق الباب. ثم لا يُسلَّم شيء.
kiosk-deposited-title = تم التسليم
kiosk-deposited = هو في الخزانة { $number }.
kiosk-next = الطرد التالي
kiosk-collected-title = تم كل شيء
kiosk-collected = الخزانة { $number } مغلقة. إلى اللقاء!

kiosk-presence = للفتح من هاتفك اذكر الرمز
kiosk-keys-wait = ينتظر مفتاح جديد يمكنه فتح أبواب هذه الخزانة أن يصبح ساريًا. إن لم تكن تتوقع ذلك فأخبر المشغّل.
kiosk-emergency-start = فتح طارئ
kiosk-emergency-title = فتح طارئ
kiosk-emergency = يجب أن يوافق مسؤولان. أي صندوق؟
kiosk-challenge-title = طوارئ: الصندوق { $number }
kiosk-challenge = يوقّع مسؤولان على هذا مع رقم الصندوق. اعرض كل جواب أو اكتبه.
kiosk-challenge-answers = { $count } من جوابين
kiosk-bad-response-title = هذا الجواب غير صالح
kiosk-bad-response = يجب أن يكون جواب مسؤول على المعروض هنا بالضبط.
kiosk-repair-title = أمر عمل
kiosk-repair = أي صندوق؟ الصناديق التي فيها طرد تبقى مغلقة.
kiosk-repair-none = لا يمكن فتح أي صندوق الآن.
kiosk-occupied-title = في هذا الصندوق طرد
kiosk-occupied = اطلب من مدير أن يفتحه.
kiosk-inspecting = أغلق الباب عندما تنتهي.
kiosk-inspected-title = الصندوق { $number } مغلق
kiosk-inspected = سُجّل الفتح.
kiosk-second-title = والآن رمزك
kiosk-second = يمكن نسخ هذه البطاقة، لذا يجب أن يتبعها رمزك أو رقمك
kiosk-badge-title = قرّب بطاقتك من القارئ
kiosk-badge = ستعمل بعد ذلك عند هذه الخزانة.
kiosk-badge-enrolled-title = البطاقة معروفة
kiosk-badge-enrolled = تعمل عند هذه الخزانة من الآن.
kiosk-badge-unknown-title = هذه البطاقة غير معروفة هنا
kiosk-badge-unknown = جرّب رمزك بدلًا منها.
kiosk-badge-weak-title = هذه البطاقة غير مقبولة هنا
kiosk-badge-weak = نسخها سهل جدًا. استخدم رمزك بدلًا منها.
kiosk-nothing-here-title = لا شيء لك هنا الآن
kiosk-nothing-here = إن كنت تنتظر طردًا فانظر أحدث رسالة لديك.

kiosk-stuck-title = لم تُفتح الخزانة { $number }
kiosk-stuck-safe = طردك آمن في الداخل.
kiosk-stuck-retry = ما زال رمزك صالحًا. اضغط الباب برفق وأنت تحاول مجددًا.
kiosk-stuck-staff = أُبلغ الموظفون وسيفتحونها لك.
kiosk-stuck-keep = يُرجى إبقاء الطرد معك.
kiosk-stuck-drop = أُبلغ الموظفون عن الباب. يمكنك المتابعة بالطرد التالي.
kiosk-again = حاول مجددًا

kiosk-held-title = هذه الخزائن مغلقة أمنيًا
kiosk-held = لا يُفتح هذا الباب الآن. طردك آمن ورمزك يبقى صالحًا.
kiosk-locked-title = هذه الخزائن مغلقة أمنيًا
kiosk-locked = لا يُفتح شيء الآن. يمكن إغلاق الأبواب المفتوحة. الطرود في الداخل آمنة، وأُبلغ الموظفون.
kiosk-locked-zone-title = جزء من هذه الخزائن مغلق أمنيًا
kiosk-locked-zone = بعض الأبواب لا تُفتح الآن. الطرود في الداخل آمنة، وأُبلغ الموظفون.
kiosk-drill-title = هذا تمرين
kiosk-drill = يتدرّب الموظفون على إغلاق أمني. كل شيء يعمل كالمعتاد.
kiosk-drill-holds-title = هذا تمرين
kiosk-drill-holds = يتدرّب الموظفون على إغلاق أمني. بعض الأبواب لا تُفتح حتى ينتهي.
kiosk-thanks-title = شكرًا
kiosk-thanks = سُجّلت إجابتك.
kiosk-locked-down-now-title = أُغلقت أمنيًا
kiosk-locked-down-now = لا يُفتح شيء حتى ينتهي الإغلاق.
kiosk-released-title = انتهى الإغلاق الأمني
kiosk-released = تُفتح الأبواب برموزها مجددًا.
kiosk-release-needs-another-title = يلزم أن يوافق شخص ثانٍ
kiosk-release-needs-another = خلال 15 دقيقة، برمزه هنا أو في البوابة.
kiosk-alarm-attack = أحدهم يعمل على هذه الخزائن بالقوة. أُبلغ الموظفون.
kiosk-alarm-enclosure = غلاف الخزائن مفتوح. أُبلغ الموظفون.
kiosk-alarm-door = تعطي الخزانة { $number } إشارات متناقضة ولا تُستخدم. أُبلغ الموظفون.
kiosk-alarm-reader = عُبث بقارئ البطاقات. يُرجى عدم استخدامه.
kiosk-alarm-ledger = لم تعد هذه الخزائن تشهد لسجلات المشغّل: فقد اقتُطعت أو أُعيدت كتابتها. أُبلغ الموظفون. رمزك يعمل كما كان.
kiosk-alarm-sensor = تعطّل أحد مستشعرات هذه الخزائن. أُبلغ الموظفون.
kiosk-ask-title = هل الخزانة { $number } فارغة؟
kiosk-ask = لمسة واحدة تساعد من يأتي بعدك.
kiosk-ask-empty = نعم، فارغة
kiosk-ask-full = لا، في داخلها شيء
kiosk-unattended = أغلق الباب للإنهاء. لأي شيء آخر أدخل رمزك مجددًا بعد ذلك.
kiosk-keeper-title = الموظفون
kiosk-lock-down = إغلاق هذه الخزائن أمنيًا
