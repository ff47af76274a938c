k-home-title = استلام طرد
k-home-lead = اكتب الأرقام الثمانية من رسالتك
k-camera = أو قرّب رمز QR من الكاميرا
k-camera-off = الكاميرا غير متاحة. اكتب الأرقام بدلًا من ذلك.
k-camera-notice = تبحث الكاميرا عن رمز QR فقط. لا تُحفظ أي صورة.
k-code = رمز الاستلام
k-key-back = رجوع
k-key-clear = مسح
k-key-enter = إدخال
k-deliver = أوصل طرودًا
k-help = مساعدة
k-cancel = إلغاء
k-back = رجوع
k-done = تم
k-continue = متابعة
k-language = اللغة
k-larger = خط أكبر
k-contrast = تباين عالٍ
k-lower = خفض المحتوى
k-clock = الوقت

k-open-title = الخزانة { $number } مفتوحة
k-opening-title = يجري فتح الخزانة { $number }
k-open-place = { $place }
k-open-take = خذ طردك وأغلق الباب.
k-open-close-now = من فضلك أغلق الباب. إنه مفتوح منذ { $seconds } ثانية.
k-open-again = افتح مرة أخرى
k-open-empty = الخزانة فارغة؟
k-open-wont-close = الباب لا يُغلق
k-open-failed = لم تُفتح الخزانة { $number }. أُخرجت من الخدمة وأُبلغ المشغّل.
k-open-failed-other = ستُفتح خزانة أخرى الآن.
k-open-unknown = لا يمكننا معرفة هل فُتحت الخزانة { $number }. من فضلك انظر ثم اختر.
k-collected = تم الاستلام. إلى اللقاء.
k-collected-more = { $count ->
    [zero] لا طرود أخرى في انتظارك.
    [one] طرد آخر في انتظارك.
    [two] طردان آخران في انتظارك.
    [few] { $count } طرود أخرى في انتظارك.
    [many] { $count } طردًا آخر في انتظارك.
   *[other] { $count } طرد آخر في انتظارك.
  }

k-code-refused-title = لا يمكن استخدام هذا الرمز هنا
k-code-refused = ربما كُتب خطأً، أو استُخدم، أو انتهت مدته، أو يخص خزائن أخرى. راجع الرسالة وحاول مجددًا.
k-code-tries = { $count ->
    [zero] لا محاولات قبل التوقف.
    [one] بقيت محاولة واحدة قبل التوقف.
    [two] بقيت محاولتان قبل التوقف.
    [few] بقيت { $count } محاولات قبل التوقف.
    [many] بقيت { $count } محاولة قبل التوقف.
   *[other] بقيت { $count } محاولة قبل التوقف.
  }
k-code-wait-title = محاولات كثيرة
k-code-wait = تعمل لوحة الأرقام مجددًا بعد { $seconds } ثانية.
k-try-again = حاول مجددًا
k-reference = المرجع { $code }
k-contact = تحتاج مساعدة؟ { $contact }

k-courier-title = دخول المندوب
k-courier-lead = اكتب رمزك الشخصي
k-courier-code = الرمز الشخصي
k-courier-hello = تم الدخول لصالح { $carrier }
k-courier-refused = لم يُقبل هذا الرمز. تحقّق منه وحاول مجددًا.
k-recipient-title = لمن هذا الطرد؟
k-recipient-lead = اكتب رقم الوحدة أو الاسم المكتوب على الملصق
k-recipient-search = الوحدة أو الاسم
k-recipient-find = بحث
k-recipient-none-title = لم يُعثر على أحد
k-recipient-none = راجع الملصق. إن كان صحيحًا فأعد الطرد معك.
k-recipient-many = أكثر من نتيجة. اكتب حروفًا أكثر أو رقم الوحدة.
k-recipient-confirm-title = هل هذا صحيح؟
k-recipient-confirm = الوحدة { $unit } · { $name }
k-recipient-yes = نعم، هذا هو
k-recipient-no = لا، ابحث مجددًا
k-size-title = أي حجم يناسب؟
k-size-s = صغير
k-size-m = متوسط
k-size-l = كبير
k-size-xl = كبير جدًا
k-size-measure = { $width } × { $height } × { $depth } سم
k-size-free = { $count ->
    [0] لا خزائن خالية
    [zero] لا خزائن خالية
    [one] خزانة خالية
    [two] خزانتان خاليتان
    [few] { $count } خزائن خالية
    [many] { $count } خزانة خالية
   *[other] { $count } خزانة خالية
  }
k-size-low = خزانة منخفضة
k-size-low-hint = يمكن بلوغها من كرسي متحرك
k-full-title = لا توجد خزانة خالية بهذا الحجم
k-full = اختر حجمًا أكبر، أو أعد الطرد معك.
k-place-title = ضع الطرد في الخزانة { $number }
k-place-close = أغلق الباب للإنهاء.
k-place-bigger = لا يتسع: أكبر
k-delivered-title = تم التسليم
k-delivered = ستصل رسالة إلى المستلم.
k-delivered-later = هذه الخزائن غير متصلة. ستصل رسالة إلى المستلم عند عودة الاتصال.
k-next-parcel = الطرد التالي
k-finish = إنهاء
k-cancelled = أُلغي. لم يُسلَّم شيء.

k-idle-title = هل ما زلت هنا؟
k-idle-lead = تُغلق هذه الصفحة بعد
k-idle-seconds = ثانية
k-idle-stay = ما زلت هنا
k-alarm = إنذار: فُتحت الخزانة { $number } دون إذن
k-alarm-held = الخزانة { $number } ما زالت مفتوحة. من فضلك أغلقها.
k-alarm-tamper = إنذار: هناك عبث بهذه الخزائن
k-offline = غير متصل منذ { $time }. الاستلام والتسليم ما زالا يعملان.
k-out-of-order-title = معطّل
k-out-of-order = لا يمكن لهذه الخزائن فتح الأبواب الآن. طردك في أمان. أُبلغ المشغّل.
k-error-title = حدث خطأ ما
k-error = لم يُفتح شيء. حاول مجددًا من فضلك.
k-pause = لحظة من فضلك
k-map = أين هي
