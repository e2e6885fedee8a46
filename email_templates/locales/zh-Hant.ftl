# The words of notices in Traditional Chinese (Project Fluent, https://projectfluent.org).
#
# Every language has the same messages. `<strong>` is bold in HTML, and nothing in plain text and subjects.
# For the reader: no exclamation marks, no 'MFA', nothing urgent; nobody is locked out.
# Always the same words: second step = 兩步驟驗證, code = 驗證碼, recovery code = 復原碼, sign in = 登入, set up = 設定,
# account = 帳戶. A space around names, menus and addresses; none around dates, numbers and full-width marks.

## Moments

moment = { $date } { $time }
moment-in = { $date } { $time }（{ $zone }）
day-one = 1

## Subjects

# A mail with several notices. $headline is the subject of the one that matters most.
subject-several = { $headline }（另有{ $others }則通知）
subject-from = 自{ $date }起，{ $company } 要求您登入 { $product } 時進行兩步驟驗證
# How long there is until the date, as a subject begins.
left =
    { $days_left ->
        [0] 今天開始
        [1] 明天開始
       *[other] { $days_left }天後開始
    }
subject-left = { left }，{ $company } 要求您登入 { $product } 時進行兩步驟驗證
subject-now = 現在需要兩步驟驗證：請於下次登入時完成設定
subject-moved = 日期變更：原定{ $told }，改為{ $date }（{ $product } 兩步驟驗證）
subject-moved-now = 日期變更：改為{ $date }（{ $product } 兩步驟驗證）
subject-cancelled = 已取消：{ $company } 原定自{ $told }起，要求您登入 { $product } 時進行兩步驟驗證
subject-cancelled-otherwise = 已取消：{ $company } 原定的日期 { $told }（{ $product } 的兩步驟驗證）
subject-no-longer = 不再需要：{ $company } 不再要求您登入 { $product } 時進行兩步驟驗證

## What: the first sentence of a notice

what = <strong>{ $company }</strong> 將要求您登入 { $product } 時進行兩步驟驗證：輸入密碼後，再輸入手機上的驗證碼。
what-everyone = <strong>{ $company }</strong> 要求公司全體人員登入 { $product } 時進行兩步驟驗證：輸入密碼後，再輸入手機上的驗證碼。
what-now = <strong>{ $company }</strong> 現已要求您登入 { $product } 時進行兩步驟驗證：輸入密碼後，再輸入手機上的驗證碼。
what-now-payees = { $product } 現已要求所有收款人登入時進行兩步驟驗證：輸入密碼後，再輸入手機上的驗證碼。
what-moved = <strong>{ $company }</strong> 已變更兩步驟驗證的開始日期（登入 { $product } 時，輸入密碼後，再輸入手機上的驗證碼）。
what-cancelled = <strong>{ $company }</strong> 已取消兩步驟驗證的開始日期，不會要求您登入 { $product } 時進行這項驗證。
what-no-longer = <strong>{ $company }</strong> 不再要求您登入 { $product } 時進行兩步驟驗證。

## From when: the second sentence

when-from = 開始時間為<strong>{ $when }</strong>。
# Something else requires it already; this is the date of this company.
when-there = 該公司的開始時間為<strong>{ $when }</strong>。
when-left =
    { $days_left ->
        [0] 您的帳戶尚未設定兩步驟驗證，今天開始需要使用，時間為<strong>{ $when }</strong>。
        [1] 您的帳戶尚未設定兩步驟驗證，明天開始需要使用，時間為<strong>{ $when }</strong>。
       *[other] 您的帳戶尚未設定兩步驟驗證，{ $days_left }天後開始需要使用，時間為<strong>{ $when }</strong>。
    }
# Something else requires it already; this is the date of this company.
when-left-there =
    { $days_left ->
        [0] 您的帳戶尚未設定兩步驟驗證，{ $company } 今天開始要求使用，時間為<strong>{ $when }</strong>。
        [1] 您的帳戶尚未設定兩步驟驗證，{ $company } 明天開始要求使用，時間為<strong>{ $when }</strong>。
       *[other] 您的帳戶尚未設定兩步驟驗證，{ $company } 將於{ $days_left }天後開始要求使用，時間為<strong>{ $when }</strong>。
    }
when-since = 這項要求已經實施，開始時間為<strong>{ $when }</strong>。
when-account = 您帳戶的開始時間為<strong>{ $when }</strong>。
when-account-there = 您帳戶在該公司的開始時間為<strong>{ $when }</strong>。
when-account-since = 這項要求已適用於您的帳戶，開始時間為<strong>{ $when }</strong>。
when-exempt = 您的豁免期於<strong>{ $exempt_until }</strong>結束，您帳戶的開始時間為<strong>{ $when }</strong>。
when-exempt-there = 您的豁免期於<strong>{ $exempt_until }</strong>結束，您帳戶在該公司的開始時間為<strong>{ $when }</strong>。
when-moved = 原定日期為{ $told }，您的開始時間現改為<strong>{ $when }</strong>。
when-moved-there = 原定日期為{ $told }，現改為<strong>{ $when }</strong>。
when-moved-now = 您的開始時間現改為<strong>{ $when }</strong>。
when-moved-now-there = 開始時間現改為<strong>{ $when }</strong>。
when-cancelled = 原定日期為<strong>{ $told }</strong>，目前沒有另定日期。
when-no-longer = 先前的要求自<strong>{ $told }</strong>起實施。如果日後另定日期，您會收到通知。

## What if nothing is done: the third sentence

idle = 如果您屆時尚未設定，仍然可以登入；系統會先引導您完成設定，再讓您繼續。
idle-final = 即使您沒有進行任何操作，仍然可以登入，只是系統會先引導您完成設定，再讓您繼續；現在先設定好，登入時就不會被打斷。
idle-now = 如果您尚未設定，仍然可以登入：下次登入時，系統會引導您完成設定，您帳戶中的任何內容都不會遺失。
idle-otherwise = 由於其他原因（您所屬的另一家公司有此要求，或您會收取款項），您的帳戶現在已經需要兩步驟驗證：下次登入時，系統會引導您完成設定，您帳戶中的任何內容都不會遺失。
idle-otherwise-final = 由於其他原因（您所屬的另一家公司有此要求，或您會收取款項），您的帳戶現在已經需要兩步驟驗證：下次登入時，系統會引導您完成設定；現在先設定好，登入時就不會被打斷。
idle-cancelled = 您不需要做任何事：如果您已經設定兩步驟驗證，它會保持啟用，繼續保護您的帳戶。
idle-cancelled-otherwise = 由於其他原因（您所屬的另一家公司有此要求，或您會收取款項），您的帳戶仍然需要兩步驟驗證：下次登入時，系統會引導您完成設定。

## Beside a notice: for who wants to know exactly

# $set_by is a person's name or address, as whoever set the date gave it.
set-by = 日期由 { $set_by } 為 { $company } 訂定。UTC 時間為{ $when_utc }。
set-by-admin = 日期由 { $company } 的管理員訂定。UTC 時間為{ $when_utc }。
set-by-payees = 這是 { $product } 本身的規定。開始實施的 UTC 時間為{ $when_utc }。

## Around the notices

hello = { $name }，您好：
hello-nameless = 您好：
several =
    { $count ->
       *[other] 本郵件包含{ $count }則通知。
    }
several-once = 兩步驟驗證只需設定一次，即可符合所有通知的要求。
steps = 設定方式（只需幾分鐘）
step-sign-in = 前往 <a>{ $sign_in_url }</a> 登入
step-open = 或照平常的方式開啟 { $product }，不一定要使用這個連結。
step-menu = 前往 <strong>{ $menu }</strong>。
step-led = 系統會引導您前往設定。如果沒有，請前往 <strong>{ $menu }</strong>。
step-choose = 選擇「<strong>{ $authenticator_label }</strong>」。您的帳戶無法使用簡訊驗證碼。
step-choose-phone = 選擇「<strong>{ $authenticator_label }</strong>」，或選擇「<strong>{ $phone_label }</strong>」以簡訊接收驗證碼。
step-prompts = 按照畫面上的指示操作。
step-code = 複製或下載復原碼，並妥善保存。
keep-code = 請將復原碼保存在其他裝置也能取用的地方：手機不在身邊時，您需要用復原碼登入。每組復原碼只能使用一次，使用後可以再儲存一組新的。
nothing-left = 如果您在本郵件寄出後已經完成設定，就不需要再做任何事。
ask = 如有疑問，請聯絡 { $contact }。
ask-about = 如對 { $company } 的這項安排有疑問，請聯絡 { $contact }。
ask-admin = 如有疑問，請聯絡您在 { $company } 的管理員。
ask-support = 如有疑問，請聯絡 { $product } 的支援團隊。
sent-to = 本郵件寄至 { $address }，即您 { $product } 帳戶的電子郵件地址。{ $product } 絕不會要求您以電子郵件傳送密碼或驗證碼。

## Mail to a company's admins

# On hold = 暫緩實施, released = 恢復實施, taken away = 移除, undone = 撤銷, whoever runs the service = 負責管理此服務的人員.

# Who decided, where nobody is named.
admin-somebody = 未具名的人員

admin-subject-set = { $company }：自{ $date }起，登入時需要進行兩步驟驗證
admin-subject-moved = { $company }：日期變更，原定{ $was }，改為{ $date }（登入時的兩步驟驗證）
admin-subject-cancelled = { $company }：已取消原定日期{ $date }（登入時的兩步驟驗證）
admin-subject-ended = { $company }：已移除日期{ $date }（登入時的兩步驟驗證）
admin-subject-held = { $company }：暫緩實施，原定日期{ $date }（登入時的兩步驟驗證）
admin-subject-released = { $company }：恢復實施，日期{ $date }（登入時的兩步驟驗證）
admin-subject-reverted = { $company }：登入時不再需要進行兩步驟驗證
admin-subject-digest =
    { $days_left ->
        [0] { $company }：今天開始，登入時需要進行兩步驟驗證（{ $subjects }人中有{ $enrolled }人已設定）
        [1] { $company }：明天開始，登入時需要進行兩步驟驗證（{ $subjects }人中有{ $enrolled }人已設定）
       *[other] { $company }：{ $days_left }天後開始，登入時需要進行兩步驟驗證（{ $subjects }人中有{ $enrolled }人已設定）
    }
admin-subject-report = { $company }：現在需要兩步驟驗證（{ $subjects }人中有{ $enrolled }人已設定）

# What was decided, by whom.
admin-set = <strong>{ $by }</strong> 已為 <strong>{ $company }</strong> 訂定日期：公司全體人員登入 { $product } 時都需要進行兩步驟驗證，開始時間為<strong>{ $when }</strong>。
admin-moved = <strong>{ $by }</strong> 已變更 <strong>{ $company }</strong> 的日期（原定{ $was }）：公司全體人員登入 { $product } 時都需要進行兩步驟驗證，開始時間現改為<strong>{ $when }</strong>。
admin-cancelled = <strong>{ $by }</strong> 已取消 <strong>{ $company }</strong> 兩步驟驗證的開始日期，不會要求公司全體人員登入 { $product } 時進行這項驗證。原定日期為<strong>{ $date }</strong>。
admin-ended = <strong>{ $by }</strong> 已移除 <strong>{ $company }</strong> 已開始實施的日期；自該日起，公司全體人員登入 { $product } 時都需要進行兩步驟驗證。該日期為<strong>{ $date }</strong>。
admin-held = <strong>{ $by }</strong> 已暫緩實施 <strong>{ $company }</strong> 的要求：公司全體人員登入 { $product } 時都需要進行兩步驟驗證。原定日期為<strong>{ $date }</strong>。
admin-held-itself = <strong>{ $company }</strong> 的要求目前暫緩實施：公司全體人員登入 { $product } 時都需要進行兩步驟驗證。原定日期為<strong>{ $date }</strong>。
admin-released = <strong>{ $by }</strong> 已恢復實施 <strong>{ $company }</strong> 先前暫緩的要求：公司全體人員登入 { $product } 時都需要進行兩步驟驗證，開始時間為<strong>{ $when }</strong>。
admin-reverted = <strong>{ $by }</strong> 已撤銷 <strong>{ $company }</strong> 自<strong>{ $date }</strong>起的要求：公司人員登入 { $product } 時進行兩步驟驗證。
admin-utc = UTC 時間為{ $when_utc }。
admin-decided = 決定時間為{ $decided }。
admin-reason = 決定的原因：{ $reason }
# Why the daemon itself holds a date. $held is a word of its own.
admin-held-why =
    { $held ->
        [mfa_not_available] 原因：您的公司目前還無法使用兩步驟驗證。
        [unknown_time_zone] 原因：公司的時區不明，無法確定當天從何時開始。
        [date_in_past] 原因：系統收到這個日期時，日期已經過了。
        [notice_too_short] 原因：這個日期太近，大家的準備時間不足。
        [no_enrolled_admin] 原因：公司沒有任何管理員設定兩步驟驗證。
        [too_few_enrolled] 原因：未設定兩步驟驗證的人太多。
        [too_few_told] 原因：無法通知到的人太多。
       *[other] 原因：需要先有人作出決定。
    }

# What comes of it.
admin-then-told =
    { $people ->
        [0] 不會因此寄信給任何人：所有相關人員都已設定第二個步驟，或已經需要使用它。
       *[other] 從 { $first_mail } 起，以電子郵件通知 { $people } 人。
    }
admin-then-cancelled = 曾收到這個日期通知的人，會收到日期已取消的通知。不會因為這個日期要求任何人進行兩步驟驗證。
admin-then-ended = 已經需要進行兩步驟驗證的人仍然需要；之後才加入公司的人則不需要。
admin-then-held = 暫緩期間，系統不會寄信給任何人，也不會因為這個日期要求任何人進行兩步驟驗證。
admin-then-reverted = 因此不再需要且尚未設定的人，會收到電子郵件通知；已經設定的人則繼續保留。
admin-stands = { $company } 的另一個日期仍然有效：<strong>{ $stands }</strong>。

# How to undo it. The command stands on a line of its own behind it.
admin-undo-set = 如要取消這個日期，請在當初訂定的地方移除，或請負責管理此服務的人員輸入以下指令：
admin-undo-cancelled = 如要重新訂定日期，請在原來的地方設定，或請負責管理此服務的人員輸入以下指令：
admin-undo-ended = 如要讓已經需要的人也不再需要進行兩步驟驗證，請負責管理此服務的人員輸入以下指令：
admin-undo-held = 如要仍按這個日期實施，請負責管理此服務的人員輸入以下指令：
admin-undo-released = 如要再次暫緩實施，請負責管理此服務的人員輸入以下指令：
admin-undo-reverted = 如要再次要求兩步驟驗證，請訂定日期，或請負責管理此服務的人員輸入以下指令：
admin-undo-report = 如要撤銷這項要求，請負責管理此服務的人員輸入以下指令：

# Digest and report of the day.
admin-progress = <strong>{ $company }</strong> 的{ $subjects }人中，有{ $enrolled }人已設定 { $product } 的兩步驟驗證（{ $percent }%）。
admin-left =
    { $days_left ->
        [0] 今天開始需要進行兩步驟驗證，時間為<strong>{ $when }</strong>。
        [1] 明天開始需要進行兩步驟驗證，時間為<strong>{ $when }</strong>。
       *[other] { $days_left }天後開始需要進行兩步驟驗證，時間為<strong>{ $when }</strong>。
    }
admin-since = 這項要求已經實施，開始時間為<strong>{ $when }</strong>。
admin-all-ready = 所有人都準備好了，不需要再做任何事。
admin-led = 尚未設定的人，下次登入時系統會引導他們完成設定。不會有人因此無法登入。
admin-next-reminder = 尚未設定的人會在{ $next_date }收到下一次提醒。
admin-waiting =
    { $people ->
       *[other] 尚未設定：{ $people }人
    }
admin-unreachable =
    { $unreachable ->
       *[other] 從未收到通知：{ $unreachable }人
    }
admin-unreachable-why = 有關這個日期的通知都沒有送達：寄往所登記地址的郵件無法投遞。請在 { $product } 中更正地址，或由您直接告知。
admin-more =
    { $more ->
       *[other] 另有{ $more }人
    }
admin-why-you = 您是 { $company } 的管理員，因此收到本郵件。如果您不想收到這類郵件，或只想收到有關決定的郵件，請聯絡負責管理此服務的人員。
