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
