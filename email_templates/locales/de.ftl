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

## Mail to a company's admins

# On hold = ausgesetzt, released = freigegeben, taken away = entfernt, undone = rückgängig gemacht, ready = so weit.

# Who decided, where nobody is named.
admin-somebody = Eine nicht genannte Person

admin-subject-set = { $company }: zweiter Schritt bei der Anmeldung ab { $date }
admin-subject-moved = { $company }: Datum verschoben von { $was } auf { $date } (zweiter Schritt bei der Anmeldung)
admin-subject-cancelled = { $company }: Datum aufgehoben, { $date } (zweiter Schritt bei der Anmeldung)
admin-subject-ended = { $company }: Datum entfernt, { $date } (zweiter Schritt bei der Anmeldung)
admin-subject-held = { $company }: Datum ausgesetzt, { $date } (zweiter Schritt bei der Anmeldung)
admin-subject-released = { $company }: Datum gilt wieder, { $date } (zweiter Schritt bei der Anmeldung)
admin-subject-reverted = { $company }: Der zweite Schritt bei der Anmeldung ist nicht mehr erforderlich
admin-subject-digest =
    { $days_left ->
        [0] { $company }: ab heute zweiter Schritt bei der Anmeldung, eingerichtet bei { $enrolled } von { $subjects }
        [1] { $company }: ab morgen zweiter Schritt bei der Anmeldung, eingerichtet bei { $enrolled } von { $subjects }
       *[other] { $company }: in { $days_left } Tagen zweiter Schritt bei der Anmeldung, eingerichtet bei { $enrolled } von { $subjects }
    }
admin-subject-report = { $company }: zweiter Schritt jetzt erforderlich, eingerichtet bei { $enrolled } von { $subjects }

# What was decided, by whom.
admin-set = <strong>{ $by }</strong> hat für <strong>{ $company }</strong> ein Datum festgelegt: Alle dort brauchen für die Anmeldung bei { $product } einen zweiten Schritt, und zwar ab <strong>{ $when }</strong>.
admin-moved = <strong>{ $by }</strong> hat das Datum von <strong>{ $company }</strong> verschoben (bisher { $was }): Alle dort brauchen für die Anmeldung bei { $product } einen zweiten Schritt, nun ab <strong>{ $when }</strong>.
admin-cancelled = <strong>{ $by }</strong> hat das Datum aufgehoben, ab dem bei <strong>{ $company }</strong> alle für die Anmeldung bei { $product } einen zweiten Schritt gebraucht hätten: <strong>{ $date }</strong>.
admin-ended = <strong>{ $by }</strong> hat nachträglich das Datum entfernt, seit dem bei <strong>{ $company }</strong> alle für die Anmeldung bei { $product } einen zweiten Schritt brauchen: <strong>{ $date }</strong>.
admin-held = <strong>{ $by }</strong> hat das Datum ausgesetzt, ab dem bei <strong>{ $company }</strong> alle für die Anmeldung bei { $product } einen zweiten Schritt brauchen: <strong>{ $date }</strong>.
admin-held-itself = Ausgesetzt ist das Datum, ab dem bei <strong>{ $company }</strong> alle für die Anmeldung bei { $product } einen zweiten Schritt brauchen: <strong>{ $date }</strong>.
admin-released = <strong>{ $by }</strong> hat das ausgesetzte Datum von <strong>{ $company }</strong> freigegeben: Alle dort brauchen für die Anmeldung bei { $product } einen zweiten Schritt, und zwar ab <strong>{ $when }</strong>.
admin-reverted = <strong>{ $by }</strong> hat rückgängig gemacht, was <strong>{ $company }</strong> ab <strong>{ $date }</strong> verlangt hat: einen zweiten Schritt für die Anmeldung bei { $product }.
admin-utc = In UTC ist das { $when_utc }.
admin-decided = Entschieden am { $decided }.
admin-reason = Angegebener Grund: { $reason }
# Why the daemon itself holds a date. $held is a word of its own.
admin-held-why =
    { $held ->
        [mfa_not_available] Grund: Der zweite Schritt ist für Ihr Unternehmen noch nicht verfügbar.
        [unknown_time_zone] Grund: Die Zeitzone des Unternehmens ist nicht bekannt; deshalb steht nicht fest, wann der Tag beginnt.
        [date_in_past] Grund: Als das Datum erfasst wurde, war es schon vorbei.
        [notice_too_short] Grund: Bis zu diesem Datum bleibt allen weniger Zeit als vorgesehen.
        [no_enrolled_admin] Grund: Im Admin-Team des Unternehmens hat niemand den zweiten Schritt eingerichtet.
        [too_few_enrolled] Grund: Zu viele Personen haben den zweiten Schritt nicht eingerichtet.
        [too_few_told] Grund: Zu viele Personen konnten nicht benachrichtigt werden.
       *[other] Grund: Darüber muss erst jemand entscheiden.
    }

# What comes of it.
admin-then-told =
    { $people ->
        [0] Deswegen wird niemand angeschrieben: Alle, die es betrifft, haben den zweiten Schritt eingerichtet oder brauchen ihn schon.
        [1] 1 Person wird per E-Mail benachrichtigt, ab { $first_mail }.
       *[other] { $people } Personen werden per E-Mail benachrichtigt, ab { $first_mail }.
    }
admin-then-cancelled = Wer über das Datum benachrichtigt wurde, erfährt per E-Mail, dass es nicht mehr gilt. Wegen dieses Datums wird der zweite Schritt von niemandem verlangt.
admin-then-ended = Wer den zweiten Schritt schon braucht, braucht ihn weiterhin; wer ab jetzt neu ins Unternehmen kommt, braucht ihn nicht.
admin-then-held = Solange das Datum ausgesetzt ist, wird niemand angeschrieben, und wegen dieses Datums wird der zweite Schritt von niemandem verlangt.
admin-then-reverted = Wer ihn dadurch nicht mehr braucht und ihn nicht eingerichtet hat, erfährt das per E-Mail. Wer ihn eingerichtet hat, behält ihn.
admin-stands = Ein anderes Datum von { $company } bleibt bestehen: <strong>{ $stands }</strong>.

# How to undo it. The command stands on a line of its own behind it.
admin-undo-set = Soll das Datum doch nicht gelten, entfernen Sie es dort, wo es festgelegt wurde, oder bitten Sie den Betreiber des Dienstes, diesen Befehl einzugeben:
admin-undo-cancelled = Soll wieder ein Datum gelten, legen Sie es dort fest, wo es vorher stand, oder bitten Sie den Betreiber des Dienstes, diesen Befehl einzugeben:
admin-undo-ended = Soll der zweite Schritt auch von denen nicht mehr verlangt werden, die ihn schon brauchen, bitten Sie den Betreiber des Dienstes, diesen Befehl einzugeben:
admin-undo-held = Soll das Datum doch gelten, bitten Sie den Betreiber des Dienstes, diesen Befehl einzugeben:
admin-undo-released = Soll das Datum wieder ausgesetzt werden, bitten Sie den Betreiber des Dienstes, diesen Befehl einzugeben:
admin-undo-reverted = Soll der zweite Schritt wieder verlangt werden, legen Sie ein Datum fest, oder bitten Sie den Betreiber des Dienstes, diesen Befehl einzugeben:
admin-undo-report = Soll der zweite Schritt nicht mehr verlangt werden, bitten Sie den Betreiber des Dienstes, diesen Befehl einzugeben:

# Digest and report of the day.
admin-progress =
    { $subjects ->
        [one] Bei <strong>{ $company }</strong> ist der zweite Schritt für { $product } bei { $enrolled } von 1 Person eingerichtet ({ $percent } %).
       *[other] Bei <strong>{ $company }</strong> ist der zweite Schritt für { $product } bei { $enrolled } von { $subjects } Personen eingerichtet ({ $percent } %).
    }
admin-left =
    { $days_left ->
        [0] Erforderlich ist der zweite Schritt ab heute, <strong>{ $when }</strong>.
        [1] Erforderlich ist der zweite Schritt ab morgen, <strong>{ $when }</strong>.
       *[other] Erforderlich ist der zweite Schritt in { $days_left } Tagen, ab <strong>{ $when }</strong>.
    }
admin-since = Erforderlich ist der zweite Schritt seit <strong>{ $when }</strong>.
admin-all-ready = Alle sind so weit: Es gibt nichts mehr zu tun.
admin-led = Wer den zweiten Schritt noch nicht eingerichtet hat, wird bei der nächsten Anmeldung durch die Einrichtung geführt. Niemand wird ausgesperrt.
admin-next-reminder = Die nächste Erinnerung an alle, die noch nicht so weit sind, kommt am { $next_date }.
admin-waiting =
    { $people ->
        [one] Noch nicht so weit: 1 Person
       *[other] Noch nicht so weit: { $people } Personen
    }
admin-unreachable =
    { $unreachable ->
        [one] Nie erreicht: 1 Person
       *[other] Nie erreicht: { $unreachable } Personen
    }
admin-unreachable-why = Keine Mitteilung zu diesem Datum ist dort angekommen: E-Mails an die Adresse schlagen fehl. Bitte berichtigen Sie die Adresse in { $product }, oder sagen Sie selbst Bescheid.
admin-more =
    { $more ->
        [one] und 1 weitere Person
       *[other] und { $more } weitere Personen
    }
admin-why-you = Sie erhalten diese E-Mail, weil Sie zum Admin-Team von { $company } gehören. Wenn Sie solche E-Mails nicht mehr oder nur noch bei Entscheidungen erhalten möchten, kann der Betreiber des Dienstes das einstellen.
