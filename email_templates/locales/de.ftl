# The words of notices in German (Project Fluent, https://projectfluent.org).
#
# Every language has the same messages. `<strong>` is bold in HTML, and nothing in plain text and subjects.
# For the reader: no exclamation marks, no 'MFA', nothing urgent; nobody is locked out.
# Always the same words: second step = zweiter Schritt, recovery code = Wiederherstellungscode,
# sign in = anmelden, set up = einrichten, phone = Smartphone. Dates are never inflected: 'ab', 'am' or 'seit' before them.

## Moments

moment = { $date }, { $time } Uhr
moment-in = { $date }, { $time } Uhr ({ $zone })
day-one = 1

## Subjects

# A mail with several notices. $headline is the subject of the one that matters most.
subject-several = { $headline } (und { $others } weitere)
subject-from = Ab { $date } verlangt { $company } für die Anmeldung bei { $product } einen zweiten Schritt
# How long there is until the date, as a subject begins.
left =
    { $days_left ->
        [0] Ab heute
        [1] Ab morgen
       *[other] In { $days_left } Tagen
    }
subject-left = { left }: { $company } verlangt für die Anmeldung bei { $product } einen zweiten Schritt
subject-now = Jetzt erforderlich: Richten Sie bei Ihrer nächsten Anmeldung den zweiten Schritt ein
subject-moved = Verschoben von { $told } auf { $date } (zweiter Schritt für { $product })
subject-moved-now = Verschoben auf { $date } (zweiter Schritt für { $product })
subject-cancelled = Aufgehoben: { $company } verlangt ab { $told } doch keinen zweiten Schritt für die Anmeldung bei { $product }
subject-cancelled-otherwise = Aufgehoben: der Termin von { $company }, { $told } (zweiter Schritt bei { $product })
subject-no-longer = Nicht mehr erforderlich: { $company } verlangt für die Anmeldung bei { $product } keinen zweiten Schritt mehr

## What: the first sentence of a notice

what = <strong>{ $company }</strong> verlangt künftig für die Anmeldung bei { $product } einen zweiten Schritt: nach Ihrem Passwort einen Code von Ihrem Smartphone.
what-everyone = Bei <strong>{ $company }</strong> brauchen alle für die Anmeldung bei { $product } einen zweiten Schritt: nach dem Passwort einen Code vom Smartphone.
what-now = <strong>{ $company }</strong> verlangt jetzt für die Anmeldung bei { $product } einen zweiten Schritt: nach Ihrem Passwort einen Code von Ihrem Smartphone.
what-now-payees = { $product } verlangt jetzt von allen, die Zahlungen erhalten, bei der Anmeldung einen zweiten Schritt: nach dem Passwort einen Code vom Smartphone.
what-moved = <strong>{ $company }</strong> hat das Datum verschoben, ab dem Sie für die Anmeldung bei { $product } einen zweiten Schritt brauchen (nach Ihrem Passwort einen Code von Ihrem Smartphone).
what-cancelled = <strong>{ $company }</strong> hat das Datum aufgehoben, ab dem Sie für die Anmeldung bei { $product } einen zweiten Schritt gebraucht hätten.
what-no-longer = <strong>{ $company }</strong> verlangt für die Anmeldung bei { $product } keinen zweiten Schritt mehr.

## From when: the second sentence

when-from = Das gilt für Sie ab <strong>{ $when }</strong>.
# Something else requires it already; this is the date of this company.
when-there = Bei diesem Unternehmen gilt das ab <strong>{ $when }</strong>.
when-left =
    { $days_left ->
        [0] In Ihrem Konto ist der zweite Schritt noch nicht eingerichtet; Sie brauchen ihn ab heute, <strong>{ $when }</strong>.
        [1] In Ihrem Konto ist der zweite Schritt noch nicht eingerichtet; Sie brauchen ihn ab morgen, <strong>{ $when }</strong>.
       *[other] In Ihrem Konto ist der zweite Schritt noch nicht eingerichtet; Sie brauchen ihn in { $days_left } Tagen, ab <strong>{ $when }</strong>.
    }
# Something else requires it already; this is the date of this company.
when-left-there =
    { $days_left ->
        [0] In Ihrem Konto ist der zweite Schritt noch nicht eingerichtet; für { $company } brauchen Sie ihn ab heute, <strong>{ $when }</strong>.
        [1] In Ihrem Konto ist der zweite Schritt noch nicht eingerichtet; für { $company } brauchen Sie ihn ab morgen, <strong>{ $when }</strong>.
       *[other] In Ihrem Konto ist der zweite Schritt noch nicht eingerichtet; für { $company } brauchen Sie ihn in { $days_left } Tagen, ab <strong>{ $when }</strong>.
    }
when-since = Das gilt für Sie seit <strong>{ $when }</strong>.
when-account = Für Ihr Konto gilt das ab <strong>{ $when }</strong>.
when-account-there = Bei diesem Unternehmen gilt das für Ihr Konto ab <strong>{ $when }</strong>.
when-account-since = Für Ihr Konto gilt das seit <strong>{ $when }</strong>.
when-exempt = Ihre Ausnahmeregelung endet am <strong>{ $exempt_until }</strong>; für Ihr Konto gilt das ab <strong>{ $when }</strong>.
when-exempt-there = Ihre Ausnahmeregelung endet am <strong>{ $exempt_until }</strong>; bei diesem Unternehmen gilt das für Ihr Konto ab <strong>{ $when }</strong>.
when-moved = Bisher galt { $told }; nun brauchen Sie den zweiten Schritt ab <strong>{ $when }</strong>.
when-moved-there = Bisher galt { $told }; nun gilt <strong>{ $when }</strong>.
when-moved-now = Sie brauchen den zweiten Schritt nun ab <strong>{ $when }</strong>.
when-moved-now-there = Das neue Datum ist <strong>{ $when }</strong>.
when-cancelled = Vorgesehen war <strong>{ $told }</strong>; ein anderes Datum wurde nicht festgelegt.
when-no-longer = Er war seit <strong>{ $told }</strong> erforderlich. Sollte ein neues Datum festgelegt werden, werden Sie benachrichtigt.

## What if nothing is done: the third sentence

idle = Falls Sie den zweiten Schritt bis dahin nicht eingerichtet haben, können Sie sich weiterhin anmelden und werden dabei durch die Einrichtung geführt, bevor es weitergeht.
idle-final = Auch wenn Sie nichts tun, können Sie sich weiterhin anmelden, werden dabei aber durch die Einrichtung geführt, bevor es weitergeht; wenn Sie das schon jetzt erledigen, ersparen Sie sich diese Unterbrechung.
idle-now = Falls Sie den zweiten Schritt noch nicht eingerichtet haben, können Sie sich weiterhin anmelden: Bei der nächsten Anmeldung werden Sie durch die Einrichtung geführt, und in Ihrem Konto geht nichts verloren.
idle-otherwise = Aus einem anderen Grund (wegen eines anderen Unternehmens, dem Sie angehören, oder weil Sie Zahlungen erhalten) braucht Ihr Konto den zweiten Schritt schon jetzt: Bei der nächsten Anmeldung werden Sie durch die Einrichtung geführt, und in Ihrem Konto geht nichts verloren.
idle-otherwise-final = Aus einem anderen Grund (wegen eines anderen Unternehmens, dem Sie angehören, oder weil Sie Zahlungen erhalten) braucht Ihr Konto den zweiten Schritt schon jetzt: Bei der nächsten Anmeldung werden Sie durch die Einrichtung geführt; wenn Sie das schon jetzt erledigen, ersparen Sie sich diese Unterbrechung.
idle-cancelled = Sie brauchen nichts zu tun: Falls Sie bereits einen zweiten Schritt eingerichtet haben, bleibt er aktiv und schützt Ihr Konto.
idle-cancelled-otherwise = Aus einem anderen Grund (wegen eines anderen Unternehmens, dem Sie angehören, oder weil Sie Zahlungen erhalten) braucht Ihr Konto weiterhin einen zweiten Schritt: Bei der nächsten Anmeldung werden Sie durch die Einrichtung geführt.

## Beside a notice: for who wants to know exactly

# $set_by is a person's name or address, as whoever set the date gave it.
set-by = Datum festgelegt von { $set_by } für { $company }. In UTC ist das { $when_utc }.
set-by-admin = Datum festgelegt vom Admin-Team von { $company }. In UTC ist das { $when_utc }.
set-by-payees = Dies ist eine Regel von { $product } selbst. In UTC gilt sie seit { $when_utc }.

## Around the notices

hello = Guten Tag { $name },
hello-nameless = Guten Tag,
several =
    { $count ->
        [one] Diese E-Mail enthält eine Mitteilung.
       *[other] Diese E-Mail enthält { $count } Mitteilungen.
    }
several-once = Den zweiten Schritt brauchen Sie für alle zusammen nur einmal einzurichten.
steps = So richten Sie den zweiten Schritt in wenigen Minuten ein
step-sign-in = Melden Sie sich an: <a>{ $sign_in_url }</a>
step-open = Oder öffnen Sie { $product } wie gewohnt: Den Link brauchen Sie nicht.
step-menu = Öffnen Sie <strong>{ $menu }</strong>.
step-led = Sie werden zur Einrichtung geführt. Falls nicht, öffnen Sie <strong>{ $menu }</strong>.
step-choose = Wählen Sie „<strong>{ $authenticator_label }</strong>“. Codes per SMS sind für Ihr Konto nicht verfügbar.
step-choose-phone = Wählen Sie „<strong>{ $authenticator_label }</strong>“ oder, für Codes per SMS, „<strong>{ $phone_label }</strong>“.
step-prompts = Folgen Sie den Anweisungen auf dem Bildschirm.
step-code = Kopieren Sie den Wiederherstellungscode oder laden Sie ihn herunter, und bewahren Sie ihn sicher auf.
keep-code = Bewahren Sie den Wiederherstellungscode so auf, dass Sie ihn auch von einem anderen Gerät aus erreichen: Ohne Ihr Smartphone brauchen Sie ihn, um sich anzumelden. Jeder Code funktioniert nur einmal; nachdem Sie einen verwendet haben, können Sie einen neuen speichern.
nothing-left = Falls Sie den zweiten Schritt inzwischen eingerichtet haben, brauchen Sie nichts weiter zu tun.
ask = Fragen? Wenden Sie sich an { $contact }.
ask-about = Fragen zum zweiten Schritt bei { $company }? Wenden Sie sich an { $contact }.
ask-admin = Fragen? Wenden Sie sich an Ihr Admin-Team bei { $company }.
ask-support = Fragen? Wenden Sie sich an den Support von { $product }.
sent-to = Gesendet an { $address }, die Adresse Ihres Kontos bei { $product }. { $product } fordert Sie niemals auf, ein Passwort oder einen Code per E-Mail zu senden.
