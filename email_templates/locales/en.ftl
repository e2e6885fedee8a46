# The words of notices in English (Project Fluent, https://projectfluent.org).
#
# Every language has the same messages. `<strong>` is bold in HTML, `<a>` a link to what stands in it; both are nothing in
# plain text and subjects.
# For the reader: no exclamation marks, no 'MFA', nothing urgent; nobody is locked out.

## Moments

moment = { $date }, { $time }
moment-in = { $date }, { $time } ({ $zone })

# The first day of a month, where dates have it as a number of its own.
day-one = 1

## Subjects

# A mail with several notices. $headline is the subject of the one that matters most.
subject-several = { $headline } (and { $others } more)
subject-from = From { $date }, { $company } needs a second step when you sign in to { $product }
# How long there is until the date, as a subject begins.
left =
    { $days_left ->
        [0] Today
        [1] Tomorrow
       *[other] In { $days_left } days
    }
subject-left = { left }: { $company } needs a second step when you sign in to { $product }
subject-now = Now required: set up your second step at your next sign-in
subject-moved = Moved: was { $told }, now { $date } (second step for { $product })
subject-moved-now = Moved: now { $date } (second step for { $product })
subject-cancelled = Cancelled: the second step that { $company } planned from { $told } for signing in to { $product }
subject-cancelled-otherwise = Cancelled: the date of { $company }, { $told } (second step for { $product })
subject-no-longer = No longer required by { $company }: a second step when you sign in to { $product }

## What: the first sentence of a notice

what = <strong>{ $company }</strong> will ask for a second step when you sign in to { $product }: after your password, a code shown on your phone.
what-everyone = <strong>{ $company }</strong> asks everyone there who signs in to { $product } for a second step: after your password, a code shown on your phone.
what-now = <strong>{ $company }</strong> now asks for a second step when you sign in to { $product }: after your password, a code shown on your phone.
what-now-payees = { $product } now asks everyone who receives payments for a second step at sign-in: after your password, a code shown on your phone.
what-moved = <strong>{ $company }</strong> has moved the date from which you need a second step when you sign in to { $product } (after your password, a code shown on your phone).
what-cancelled = <strong>{ $company }</strong> has cancelled the date from which you would have needed a second step when you sign in to { $product }.
what-no-longer = <strong>{ $company }</strong> does not ask for a second step any more when you sign in to { $product }.

## From when: the second sentence

when-from = You need it from <strong>{ $when }</strong>.
# Something else requires it already; this is the date of this company.
when-there = At { $company } you need it from <strong>{ $when }</strong>.
when-left =
    { $days_left ->
        [0] Your account does not have it yet, and needs it from today, <strong>{ $when }</strong>.
        [1] Your account does not have it yet, and needs it from tomorrow, <strong>{ $when }</strong>.
       *[other] Your account does not have it yet, and needs it in { $days_left } days, from <strong>{ $when }</strong>.
    }
# Something else requires it already; this is the date of this company.
when-left-there =
    { $days_left ->
        [0] Your account does not have it yet, and needs it for { $company } from today, <strong>{ $when }</strong>.
        [1] Your account does not have it yet, and needs it for { $company } from tomorrow, <strong>{ $when }</strong>.
       *[other] Your account does not have it yet, and needs it for { $company } in { $days_left } days, from <strong>{ $when }</strong>.
    }
when-since = You have needed it since <strong>{ $when }</strong>.
when-account = Your account needs it from <strong>{ $when }</strong>.
when-account-there = At { $company } your account needs it from <strong>{ $when }</strong>.
when-account-since = Your account has needed it since <strong>{ $when }</strong>.
when-exempt = Your exemption ends on <strong>{ $exempt_until }</strong>, and your account needs the second step from <strong>{ $when }</strong>.
when-exempt-there = Your exemption ends on <strong>{ $exempt_until }</strong>, and at { $company } your account needs the second step from <strong>{ $when }</strong>.
when-moved = The date was { $told }, and you now need it from <strong>{ $when }</strong>.
when-moved-there = The date was { $told }, and is now <strong>{ $when }</strong>.
when-moved-now = You now need it from <strong>{ $when }</strong>.
when-moved-now-there = It is now <strong>{ $when }</strong>.
when-cancelled = The date was <strong>{ $told }</strong>, and no other date has been set.
when-no-longer = You had needed it since <strong>{ $told }</strong>. Should another date be set, you will be told.

## What if nothing is done: the third sentence

idle = If you have not set it up by then, you can still sign in, and are led through setting it up before you go on.
idle-final = If you do nothing, you can still sign in, but are led through setting it up before you go on; doing it now saves you that interruption.
idle-now = If you have not set it up yet, you can still sign in: your next sign-in leads you through setting it up, and everything in your account is kept.
idle-otherwise = Apart from that, your account needs a second step already, for another reason (another company that you belong to, or payments that you receive): your next sign-in leads you through setting it up, and everything in your account is kept.
idle-otherwise-final = Apart from that, your account needs a second step already, for another reason (another company that you belong to, or payments that you receive): your next sign-in leads you through setting it up; doing it now saves you that interruption.
idle-cancelled = There is nothing to do about this: if you have already set up a second step, it stays on and protects your account.
idle-cancelled-otherwise = Your account still needs a second step, for another reason (another company that you belong to, or payments that you receive): your next sign-in leads you through setting it up.

## Beside a notice: for who wants to know exactly

# $set_by is a person's name or address, as whoever set the date gave it.
set-by = Date set by { $set_by } for { $company }. In UTC it is { $when_utc }.
set-by-admin = Date set by an administrator of { $company }. In UTC it is { $when_utc }.
set-by-payees = This is a rule of { $product } itself, in force since { $when_utc } (UTC).

## Around the notices

hello = Hello { $name },
hello-nameless = Hello,
several =
    { $count ->
        [one] This e-mail has one notice.
       *[other] This e-mail has { $count } notices.
    }
several-once = Setting up the second step once is enough for all of them.
steps = How to set up the second step, in a few minutes
step-sign-in = Sign in at <a>{ $sign_in_url }</a>
step-open = Or open { $product } as you always do: you do not need the link.
step-menu = Go to <strong>{ $menu }</strong>.
step-led = You are led to the set-up. If not, go to <strong>{ $menu }</strong>.
step-choose = Choose “<strong>{ $authenticator_label }</strong>”. Codes by text message are not available for your account.
step-choose-phone = Choose “<strong>{ $authenticator_label }</strong>” or, for codes by text message, “<strong>{ $phone_label }</strong>”.
step-prompts = Follow the prompts.
step-code = Copy or download the recovery code and keep it safe.
keep-code = Keep the recovery code where you can reach it from another device: without your phone, you need it to sign in. Each code works once, and after using one you can save a new one.
nothing-left = If you have set up the second step since this was sent, nothing is left to do.
ask = Questions? Ask { $contact }.
ask-about = Questions about the second step at { $company }? Ask { $contact }.
ask-admin = Questions? Ask your admin at { $company }.
ask-support = Questions? Ask the support of { $product }.
sent-to = Sent to { $address }, the address of your account at { $product }. { $product } never asks you to send a password or a code by e-mail.

## Mail to a company's admins

# Who decided, where nobody is named.
admin-somebody = Somebody who is not named

admin-subject-set = { $company }: a second step at sign-in from { $date }
admin-subject-moved = { $company }: moved from { $was } to { $date } (second step at sign-in)
admin-subject-cancelled = { $company }: { $date } is cancelled (second step at sign-in)
admin-subject-ended = { $company }: { $date } is taken away (second step at sign-in)
admin-subject-held = { $company }: { $date } is on hold (second step at sign-in)
admin-subject-released = { $company }: { $date } stands again (second step at sign-in)
admin-subject-reverted = { $company }: the second step at sign-in is no longer required
admin-subject-digest =
    { $days_left ->
        [0] { $company }: from today a second step at sign-in, { $enrolled } of { $subjects } are ready
        [1] { $company }: from tomorrow a second step at sign-in, { $enrolled } of { $subjects } are ready
       *[other] { $company }: in { $days_left } days a second step at sign-in, { $enrolled } of { $subjects } are ready
    }
admin-subject-report = { $company }: the second step is required now, { $enrolled } of { $subjects } have it

# What was decided, by whom.
admin-set = <strong>{ $by }</strong> has set a date for <strong>{ $company }</strong>: everybody there needs a second step when they sign in to { $product }, from <strong>{ $when }</strong>.
admin-moved = <strong>{ $by }</strong> has moved the date of <strong>{ $company }</strong> from { $was }: everybody there needs a second step when they sign in to { $product }, from <strong>{ $when }</strong>.
admin-cancelled = <strong>{ $by }</strong> has cancelled the date from which everybody at <strong>{ $company }</strong> would have needed a second step when they sign in to { $product }: <strong>{ $date }</strong>.
admin-ended = <strong>{ $by }</strong> has taken away the date from which everybody at <strong>{ $company }</strong> needs a second step when they sign in to { $product }, after it had come: <strong>{ $date }</strong>.
admin-held = <strong>{ $by }</strong> has put on hold the date from which everybody at <strong>{ $company }</strong> needs a second step when they sign in to { $product }: <strong>{ $date }</strong>.
admin-held-itself = The date from which everybody at <strong>{ $company }</strong> needs a second step when they sign in to { $product } is on hold: <strong>{ $date }</strong>.
admin-released = <strong>{ $by }</strong> has released the date of <strong>{ $company }</strong>, which was on hold: everybody there needs a second step when they sign in to { $product }, from <strong>{ $when }</strong>.
admin-reverted = <strong>{ $by }</strong> has undone what <strong>{ $company }</strong> required from <strong>{ $date }</strong> on: a second step when its people sign in to { $product }.
admin-utc = In UTC it is { $when_utc }.
admin-decided = Decided on { $decided }.
admin-reason = Reason given: { $reason }
# Why the daemon itself holds a date. $held is a word of its own.
admin-held-why =
    { $held ->
        [mfa_not_available] Why: the second step is not available for your company yet.
        [unknown_time_zone] Why: the company’s time zone is not known, so that nobody can say when the day begins.
        [date_in_past] Why: the date was over when it was first seen.
        [notice_too_short] Why: the date leaves people less time than they are to have.
        [no_enrolled_admin] Why: none of the company’s admins has set up the second step.
        [too_few_enrolled] Why: too many people have not set up the second step.
        [too_few_told] Why: too many people could not be told of it.
       *[other] Why: it waits for a person.
    }

# What comes of it.
admin-then-told =
    { $people ->
        [0] Nobody is written to because of it: everybody whom it is about has set up the second step, or is required to already.
        [1] 1 person is written to by e-mail, from { $first_mail } on.
       *[other] { $people } people are written to by e-mail, from { $first_mail } on.
    }
admin-then-cancelled = Whoever was told of the date is told that it does not stand. Because of it, nobody is required.
admin-then-ended = Whoever is required to use the second step stays so; who joins the company from now on is not.
admin-then-held = While it is on hold, nobody is written to, and nobody is required because of it.
admin-then-reverted = Whoever is freed by it and has not set up the second step is told so. Who has set it up keeps it.
admin-stands = Another date of { $company } goes on to stand: <strong>{ $stands }</strong>.

# How to undo it. The command stands on a line of its own behind it.
admin-undo-set = To take it back, remove the date where it was set, or have whoever runs the service enter:
admin-undo-cancelled = To set a date again, set it where it was, or have whoever runs the service enter:
admin-undo-ended = To undo what it required as well, have whoever runs the service enter:
admin-undo-held = To let it stand after all, have whoever runs the service enter:
admin-undo-released = To put it on hold again, have whoever runs the service enter:
admin-undo-reverted = To require it again, set a date, or have whoever runs the service enter:
admin-undo-report = To undo it, have whoever runs the service enter:

# Digest and report of the day.
admin-progress =
    { $subjects ->
        [one] { $enrolled } of 1 person at <strong>{ $company }</strong> has set up the second step for { $product } ({ $percent }%).
       *[other] { $enrolled } of { $subjects } people at <strong>{ $company }</strong> have set up the second step for { $product } ({ $percent }%).
    }
admin-left =
    { $days_left ->
        [0] It is required from today, <strong>{ $when }</strong>.
        [1] It is required from tomorrow, <strong>{ $when }</strong>.
       *[other] It is required in { $days_left } days, from <strong>{ $when }</strong>.
    }
admin-since = It has been required since <strong>{ $when }</strong>.
admin-all-ready = Everybody is ready: there is nothing left to do.
admin-led = Whoever has not set it up is led through it at their next sign-in. Nobody is locked out.
admin-next-reminder = Next, they are reminded on { $next_date }.
admin-waiting =
    { $people ->
        [one] Not ready: 1 person
       *[other] Not ready: { $people } people
    }
admin-unreachable =
    { $unreachable ->
        [one] Never reached: 1 person
       *[other] Never reached: { $unreachable } people
    }
admin-unreachable-why = No notice of this date has got through to them: mail to their address fails. Please correct the address in { $product }, or tell them yourself.
admin-more =
    { $more ->
        [one] and 1 more
       *[other] and { $more } more
    }
admin-why-you = You get this as an admin of { $company }. Whoever runs the service can leave you out of such mail, or of all but decisions.
