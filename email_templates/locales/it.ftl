# The words of notices in Italian (Project Fluent, https://projectfluent.org).
#
# Every language has the same messages. `<strong>` is bold in HTML, and nothing in plain text and subjects.
# For the reader: no exclamation marks, no 'MFA', nothing urgent; nobody is locked out.
# Words: second step = secondo passaggio; recovery code = codice di recupero; sign in = accedere; set up = configurare;
# notice = avviso. The reader is 'lei', in lower case. Before dates 'da' without an article: 'dal sabato', but 'dalla domenica'.

## Moments

moment = { $date }, { $time }
moment-in = { $date }, { $time } ({ $zone })
day-one = 1º

## Subjects

# A mail with several notices. $headline is the subject of the one that matters most.
subject-several =
    { $others ->
        [one] { $headline } (e { $others } altro avviso)
       *[other] { $headline } (e altri { $others } avvisi)
    }
subject-from = A partire da { $date }, { $company } richiederà un secondo passaggio per accedere a { $product }
# How long there is until the date, as a subject begins.
left =
    { $days_left ->
        [0] Oggi
        [1] Domani
       *[other] Tra { $days_left } giorni
    }
subject-left = { left }: { $company } richiede un secondo passaggio per accedere a { $product }
subject-now = Ora è necessario: configuri il secondo passaggio al prossimo accesso
subject-moved = Nuova data: { $date }, anziché { $told } (secondo passaggio per { $product })
subject-moved-now = Nuova data: { $date } (secondo passaggio per { $product })
subject-cancelled = Annullato: il secondo passaggio che { $company } avrebbe richiesto a partire da { $told } per accedere a { $product }
subject-cancelled-otherwise = Annullata: la data dell’azienda { $company }, { $told } (secondo passaggio in { $product })
subject-no-longer = Non è più necessario: { $company } non richiede più un secondo passaggio per accedere a { $product }

## What: the first sentence of a notice

what = <strong>{ $company }</strong> richiederà un secondo passaggio per accedere a { $product }: dopo la password, un codice che compare sul telefono.
what-everyone = <strong>{ $company }</strong> richiede un secondo passaggio a tutte le persone dell’azienda che accedono a { $product }: dopo la password, un codice che compare sul telefono.
what-now = <strong>{ $company }</strong> richiede ora un secondo passaggio per accedere a { $product }: dopo la password, un codice che compare sul telefono.
what-now-payees = { $product } richiede ora a tutte le persone che ricevono pagamenti un secondo passaggio per accedere: dopo la password, un codice che compare sul telefono.
what-moved = <strong>{ $company }</strong> ha spostato la data a partire dalla quale sarà necessario un secondo passaggio per accedere a { $product } (dopo la password, un codice che compare sul telefono).
what-cancelled = <strong>{ $company }</strong> ha annullato la data a partire dalla quale sarebbe stato necessario un secondo passaggio per accedere a { $product }.
what-no-longer = <strong>{ $company }</strong> non richiede più un secondo passaggio per accedere a { $product }.

## From when: the second sentence

when-from = Sarà necessario a partire da <strong>{ $when }</strong>.
# Something else requires it already; this is the date of this company.
when-there = Per questa azienda, la data è <strong>{ $when }</strong>.
when-left =
    { $days_left ->
        [0] Il secondo passaggio non è ancora configurato per il suo account ed è necessario a partire da oggi, <strong>{ $when }</strong>.
        [1] Il secondo passaggio non è ancora configurato per il suo account e sarà necessario a partire da domani, <strong>{ $when }</strong>.
       *[other] Il secondo passaggio non è ancora configurato per il suo account e sarà necessario tra { $days_left } giorni, a partire da <strong>{ $when }</strong>.
    }
# Something else requires it already; this is the date of this company.
when-left-there =
    { $days_left ->
        [0] Il secondo passaggio non è ancora configurato per il suo account ed è necessario per { $company } a partire da oggi, <strong>{ $when }</strong>.
        [1] Il secondo passaggio non è ancora configurato per il suo account e sarà necessario per { $company } a partire da domani, <strong>{ $when }</strong>.
       *[other] Il secondo passaggio non è ancora configurato per il suo account e sarà necessario per { $company } tra { $days_left } giorni, a partire da <strong>{ $when }</strong>.
    }
when-since = È necessario da <strong>{ $when }</strong>.
when-account = Per il suo account sarà necessario a partire da <strong>{ $when }</strong>.
when-account-there = Per questa azienda, il suo account ne avrà bisogno a partire da <strong>{ $when }</strong>.
when-account-since = Per il suo account è necessario da <strong>{ $when }</strong>.
when-exempt = La sua esenzione termina <strong>{ $exempt_until }</strong>: il secondo passaggio sarà necessario per il suo account a partire da <strong>{ $when }</strong>.
when-exempt-there = La sua esenzione termina <strong>{ $exempt_until }</strong>: per questa azienda, il suo account avrà bisogno del secondo passaggio a partire da <strong>{ $when }</strong>.
when-moved = La data era { $told }; il secondo passaggio sarà necessario a partire da <strong>{ $when }</strong>.
when-moved-there = La data era { $told }; ora è <strong>{ $when }</strong>.
when-moved-now = Il secondo passaggio sarà necessario a partire da <strong>{ $when }</strong>.
when-moved-now-there = La nuova data è <strong>{ $when }</strong>.
when-cancelled = La data era <strong>{ $told }</strong> e non ne è stata fissata un’altra.
when-no-longer = Era necessario da <strong>{ $told }</strong>. Se verrà fissata un’altra data, riceverà un avviso.

## What if nothing is done: the third sentence

idle = Se entro quella data non lo avrà configurato, potrà comunque accedere: le basterà seguire le istruzioni di configurazione prima di continuare.
idle-final = Se non fa nulla, potrà comunque accedere, ma dovrà seguire le istruzioni di configurazione prima di continuare; configurandolo ora, eviterà questa interruzione.
idle-now = Se non lo ha ancora configurato, può comunque accedere: al prossimo accesso le istruzioni la guideranno nella configurazione, e tutto il contenuto del suo account resta invariato.
idle-otherwise = Il suo account ha già bisogno del secondo passaggio per un altro motivo (un’altra azienda di cui fa parte o pagamenti che riceve): al prossimo accesso le istruzioni la guideranno nella configurazione, e tutto il contenuto del suo account resta invariato.
idle-otherwise-final = Il suo account ha già bisogno del secondo passaggio per un altro motivo (un’altra azienda di cui fa parte o pagamenti che riceve): al prossimo accesso le istruzioni la guideranno nella configurazione; configurandolo ora, eviterà questa interruzione.
idle-cancelled = Non deve fare nulla: se ha già configurato un secondo passaggio, questo resta attivo e protegge il suo account.
idle-cancelled-otherwise = Il suo account ha ancora bisogno di un secondo passaggio per un altro motivo (un’altra azienda di cui fa parte o pagamenti che riceve): al prossimo accesso le istruzioni la guideranno nella configurazione.

## Beside a notice: for who wants to know exactly

# $set_by is a person's name or address, as whoever set the date gave it.
set-by = Data fissata da { $set_by } per { $company }. In UTC: { $when_utc }.
set-by-admin = Data fissata da una persona che gestisce gli account di { $company }. In UTC: { $when_utc }.
set-by-payees = Questa regola è stabilita da { $product }. In UTC: da { $when_utc }.

## Around the notices

hello = Buongiorno { $name },
hello-nameless = Buongiorno,
several =
    { $count ->
        [one] Questa e-mail contiene un avviso.
       *[other] Questa e-mail contiene { $count } avvisi.
    }
several-once = Basta configurare il secondo passaggio una sola volta: vale per tutti.
steps = Come configurare il secondo passaggio in pochi minuti
step-sign-in = Acceda all’indirizzo <a>{ $sign_in_url }</a>
step-open = Oppure apra { $product } come fa di solito: il link non è necessario.
step-menu = Vada su <strong>{ $menu }</strong>.
step-led = La configurazione si apre automaticamente. In caso contrario, vada su <strong>{ $menu }</strong>.
step-choose = Scelga «<strong>{ $authenticator_label }</strong>». I codici via SMS non sono disponibili per il suo account.
step-choose-phone = Scelga «<strong>{ $authenticator_label }</strong>» o, per ricevere i codici via SMS, «<strong>{ $phone_label }</strong>».
step-prompts = Segua le istruzioni.
step-code = Copi o scarichi il codice di recupero e lo conservi in un luogo sicuro.
keep-code = Conservi il codice di recupero dove può consultarlo da un altro dispositivo: senza il telefono, le servirà per accedere. Ogni codice funziona una sola volta; dopo averne usato uno, può salvarne uno nuovo.
nothing-left = Se ha configurato il secondo passaggio dopo l’invio di questa e-mail, non deve fare altro.
ask = Ha domande? Si rivolga a { $contact }.
ask-about = Ha domande sul secondo passaggio per { $company }? Si rivolga a { $contact }.
ask-admin = Ha domande? Si rivolga a chi gestisce gli account di { $company }.
ask-support = Ha domande? Si rivolga all’assistenza di { $product }.
sent-to = Inviata a { $address }, l’indirizzo del suo account { $product }. { $product } non chiede mai di inviare una password o un codice via e-mail.

## Mail to a company's admins

# On hold = sospesa, released = ripristinata, taken away = rimossa, undone = revocato, whoever runs the service = chi gestisce il
# servizio.

# Who decided, where nobody is named.
admin-somebody = Una persona non indicata

admin-subject-set = { $company }: un secondo passaggio per accedere, a partire da { $date }
admin-subject-moved = { $company }: nuova data, { $date } anziché { $was } (secondo passaggio per accedere)
admin-subject-cancelled = { $company }: data annullata, { $date } (secondo passaggio per accedere)
admin-subject-ended = { $company }: data rimossa, { $date } (secondo passaggio per accedere)
admin-subject-held = { $company }: data sospesa, { $date } (secondo passaggio per accedere)
admin-subject-released = { $company }: data ripristinata, { $date } (secondo passaggio per accedere)
admin-subject-reverted = { $company }: il secondo passaggio per accedere non è più necessario
admin-subject-digest =
    { $days_left ->
        [0] { $company }: da oggi un secondo passaggio per accedere, configurato da { $enrolled } su { $subjects }
        [1] { $company }: da domani un secondo passaggio per accedere, configurato da { $enrolled } su { $subjects }
       *[other] { $company }: tra { $days_left } giorni un secondo passaggio per accedere, configurato da { $enrolled } su { $subjects }
    }
admin-subject-report = { $company }: ora il secondo passaggio è necessario, configurato da { $enrolled } su { $subjects }

# What was decided, by whom.
admin-set = <strong>{ $by }</strong> ha fissato una data per <strong>{ $company }</strong>: tutte le persone dell’azienda avranno bisogno di un secondo passaggio per accedere a { $product }, a partire da <strong>{ $when }</strong>.
admin-moved = <strong>{ $by }</strong> ha spostato la data fissata per <strong>{ $company }</strong> (prima era { $was }): tutte le persone dell’azienda avranno bisogno di un secondo passaggio per accedere a { $product }, a partire da <strong>{ $when }</strong>.
admin-cancelled = <strong>{ $by }</strong> ha annullato la data a partire dalla quale tutte le persone di <strong>{ $company }</strong> avrebbero avuto bisogno di un secondo passaggio per accedere a { $product }: <strong>{ $date }</strong>.
admin-ended = <strong>{ $by }</strong> ha rimosso la data, già in vigore, a partire dalla quale tutte le persone di <strong>{ $company }</strong> hanno bisogno di un secondo passaggio per accedere a { $product }: <strong>{ $date }</strong>.
admin-held = <strong>{ $by }</strong> ha sospeso la data a partire dalla quale tutte le persone di <strong>{ $company }</strong> avranno bisogno di un secondo passaggio per accedere a { $product }: <strong>{ $date }</strong>.
admin-held-itself = È sospesa la data a partire dalla quale tutte le persone di <strong>{ $company }</strong> avranno bisogno di un secondo passaggio per accedere a { $product }: <strong>{ $date }</strong>.
admin-released = <strong>{ $by }</strong> ha ripristinato la data sospesa di <strong>{ $company }</strong>: tutte le persone dell’azienda avranno bisogno di un secondo passaggio per accedere a { $product }, a partire da <strong>{ $when }</strong>.
admin-reverted = <strong>{ $by }</strong> ha revocato ciò che <strong>{ $company }</strong> richiedeva a partire da <strong>{ $date }</strong>: un secondo passaggio per accedere a { $product }.
admin-utc = In UTC: { $when_utc }.
admin-decided = Decisione presa { $decided }.
admin-reason = Motivo indicato: { $reason }
# Why the daemon itself holds a date. $held is a word of its own.
admin-held-why =
    { $held ->
        [mfa_not_available] Motivo: il secondo passaggio non è ancora disponibile per la sua azienda.
        [unknown_time_zone] Motivo: il fuso orario dell’azienda non è noto, quindi non si può stabilire quando inizia la giornata.
        [date_in_past] Motivo: la data era già passata quando è stata registrata.
        [notice_too_short] Motivo: la data lascia alle persone meno tempo del previsto.
        [no_enrolled_admin] Motivo: nessuna delle persone che gestiscono gli account dell’azienda ha configurato il secondo passaggio.
        [too_few_enrolled] Motivo: troppe persone non hanno configurato il secondo passaggio.
        [too_few_told] Motivo: le persone che non è stato possibile avvisare sono troppe.
       *[other] Motivo: serve prima la decisione di una persona.
    }

# What comes of it.
admin-then-told =
    { $people ->
        [0] Per questo non si scrive a nessuno: tutte le persone interessate hanno configurato il secondo passaggio, o devono già usarlo.
        [1] Viene avvisata per e-mail 1 persona, a partire da: { $first_mail }.
       *[other] Vengono avvisate per e-mail { $people } persone, a partire da: { $first_mail }.
    }
admin-then-cancelled = Chi aveva ricevuto un avviso con questa data verrà informato che non è più valida. Per questa data il secondo passaggio non è richiesto a nessuno.
admin-then-ended = Chi ha già bisogno del secondo passaggio continuerà ad averne bisogno; chi entra nell’azienda da ora in poi non ne avrà bisogno.
admin-then-held = Finché la data è sospesa, nessuno riceve avvisi e per questa data il secondo passaggio non è richiesto a nessuno.
admin-then-reverted = Chi non ne ha più bisogno e non l’ha configurato ne viene informato per e-mail. Chi l’ha configurato lo mantiene.
admin-stands = Un’altra data di { $company } resta prevista: <strong>{ $stands }</strong>.

# How to undo it. The command stands on a line of its own behind it.
admin-undo-set = Per annullare questa data, la rimuova dove è stata fissata oppure chieda a chi gestisce il servizio di eseguire questo comando:
admin-undo-cancelled = Per fissare di nuovo una data, la inserisca dov’era prima oppure chieda a chi gestisce il servizio di eseguire questo comando:
admin-undo-ended = Per non richiedere più il secondo passaggio nemmeno a chi ne ha già bisogno, chieda a chi gestisce il servizio di eseguire questo comando:
admin-undo-held = Per mantenere comunque la data, chieda a chi gestisce il servizio di eseguire questo comando:
admin-undo-released = Per sospendere di nuovo la data, chieda a chi gestisce il servizio di eseguire questo comando:
admin-undo-reverted = Per richiedere di nuovo il secondo passaggio, fissi una data oppure chieda a chi gestisce il servizio di eseguire questo comando:
admin-undo-report = Per non richiedere più il secondo passaggio, chieda a chi gestisce il servizio di eseguire questo comando:

# Digest and report of the day. The number of those who are ready decides: '1 persona', '0 persone'.
admin-progress =
    { $enrolled ->
        [one] { $enrolled } persona su { $subjects } di <strong>{ $company }</strong> ha configurato il secondo passaggio per { $product } ({ $percent }%).
       *[other] { $enrolled } persone su { $subjects } di <strong>{ $company }</strong> hanno configurato il secondo passaggio per { $product } ({ $percent }%).
    }
admin-left =
    { $days_left ->
        [0] Il secondo passaggio è necessario a partire da oggi, <strong>{ $when }</strong>.
        [1] Il secondo passaggio sarà necessario a partire da domani, <strong>{ $when }</strong>.
       *[other] Il secondo passaggio sarà necessario tra { $days_left } giorni, a partire da <strong>{ $when }</strong>.
    }
admin-since = Il secondo passaggio è necessario da <strong>{ $when }</strong>.
admin-all-ready = È tutto pronto: non c’è altro da fare.
admin-led = Chi non ha ancora configurato il secondo passaggio verrà guidato nella configurazione al prossimo accesso. Nessuno perde l’accesso al proprio account.
admin-next-reminder = Prossimo promemoria per chi non ha ancora configurato il secondo passaggio: { $next_date }.
admin-waiting =
    { $people ->
        [one] Non ancora pronta: 1 persona
       *[other] Non ancora pronte: { $people } persone
    }
admin-unreachable =
    { $unreachable ->
        [one] Mai raggiunta: 1 persona
       *[other] Mai raggiunte: { $unreachable } persone
    }
admin-unreachable-why = Nessun avviso su questa data è stato recapitato: l’invio all’indirizzo registrato non riesce. La preghiamo di correggere l’indirizzo in { $product } o di comunicare direttamente la data.
admin-more =
    { $more ->
        [one] e 1 altra persona
       *[other] e altre { $more } persone
    }
admin-why-you = Riceve questa e-mail perché gestisce gli account di { $company }. Se preferisce non ricevere più queste e-mail, o ricevere solo quelle che comunicano una decisione, si rivolga a chi gestisce il servizio.
