# The words of notices in French (Project Fluent, https://projectfluent.org).
#
# Every language has the same messages. `<strong>` is bold in HTML, and nothing in plain text and subjects.
# For the reader: no exclamation marks, no 'MFA', nothing urgent; nobody is locked out.
# Words: second step = deuxième étape; recovery code = code de récupération; sign in = se connecter; set up = configurer;
# notice = notification. The reader is 'vous'. Dates take the article: 'à partir du', 'depuis le', 'était le'.
# A name can begin with a vowel: no 'de', 'que' before { $company } and { $product }. U+00A0 before : ; ? and inside « ».

## Moments

moment = { $date } à { $time }
moment-in = { $date } à { $time } ({ $zone })
day-one = 1er

## Subjects

# A mail with several notices. $headline is the subject of the one that matters most.
subject-several =
    { $others ->
        [one] { $headline } (et { $others } autre notification)
       *[other] { $headline } (et { $others } autres notifications)
    }
subject-from = À partir du { $date }, { $company } demandera une deuxième étape lors de la connexion à { $product }
# How long there is until the date, as a subject begins.
left =
    { $days_left ->
        [0] Aujourd’hui
        [1] Demain
       *[other] Dans { $days_left } jours
    }
subject-left = { left } : { $company } demande une deuxième étape lors de la connexion à { $product }
subject-now = Désormais nécessaire : configurez la deuxième étape lors de votre prochaine connexion
subject-moved = Nouvelle date : le { $date }, au lieu du { $told } (deuxième étape pour { $product })
subject-moved-now = Nouvelle date : le { $date } (deuxième étape pour { $product })
subject-cancelled = Annulée : la deuxième étape prévue par { $company } à partir du { $told } lors de la connexion à { $product }
subject-cancelled-otherwise = Annulation : la date de la société { $company }, { $told } (deuxième étape pour { $product })
subject-no-longer = Ce n’est plus nécessaire : { $company } ne demande plus de deuxième étape lors de la connexion à { $product }

## What: the first sentence of a notice

what = <strong>{ $company }</strong> demandera une deuxième étape lorsque vous vous connectez à { $product } : après votre mot de passe, un code qui s’affiche sur votre téléphone.
what-everyone = <strong>{ $company }</strong> demande une deuxième étape à toutes les personnes de l’entreprise qui se connectent à { $product } : après votre mot de passe, un code qui s’affiche sur votre téléphone.
what-now = <strong>{ $company }</strong> demande désormais une deuxième étape lorsque vous vous connectez à { $product } : après votre mot de passe, un code qui s’affiche sur votre téléphone.
what-now-payees = { $product } demande désormais à toutes les personnes qui reçoivent des paiements une deuxième étape lors de la connexion : après votre mot de passe, un code qui s’affiche sur votre téléphone.
what-moved = <strong>{ $company }</strong> a modifié la date à partir de laquelle une deuxième étape sera nécessaire pour vous connecter à { $product } (après votre mot de passe, un code qui s’affiche sur votre téléphone).
what-cancelled = <strong>{ $company }</strong> a annulé la date à partir de laquelle une deuxième étape aurait été nécessaire pour vous connecter à { $product }.
what-no-longer = <strong>{ $company }</strong> ne demande plus de deuxième étape lorsque vous vous connectez à { $product }.

## From when: the second sentence

when-from = Elle sera nécessaire à partir du <strong>{ $when }</strong>.
# Something else requires it already; this is the date of this company.
when-there = Pour cette entreprise, la date est le <strong>{ $when }</strong>.
when-left =
    { $days_left ->
        [0] Elle n’est pas encore configurée pour votre compte et elle est nécessaire à partir d’aujourd’hui, <strong>{ $when }</strong>.
        [1] Elle n’est pas encore configurée pour votre compte et elle sera nécessaire à partir de demain, <strong>{ $when }</strong>.
       *[other] Elle n’est pas encore configurée pour votre compte et elle sera nécessaire dans { $days_left } jours, à partir du <strong>{ $when }</strong>.
    }
# Something else requires it already; this is the date of this company.
when-left-there =
    { $days_left ->
        [0] Elle n’est pas encore configurée pour votre compte et elle est nécessaire pour { $company } à partir d’aujourd’hui, <strong>{ $when }</strong>.
        [1] Elle n’est pas encore configurée pour votre compte et elle sera nécessaire pour { $company } à partir de demain, <strong>{ $when }</strong>.
       *[other] Elle n’est pas encore configurée pour votre compte et elle sera nécessaire pour { $company } dans { $days_left } jours, à partir du <strong>{ $when }</strong>.
    }
when-since = Elle est nécessaire depuis le <strong>{ $when }</strong>.
when-account = Pour votre compte, elle sera nécessaire à partir du <strong>{ $when }</strong>.
when-account-there = Pour cette entreprise, votre compte en aura besoin à partir du <strong>{ $when }</strong>.
when-account-since = Pour votre compte, elle est nécessaire depuis le <strong>{ $when }</strong>.
when-exempt = Votre exemption prend fin le <strong>{ $exempt_until }</strong> : la deuxième étape sera nécessaire pour votre compte à partir du <strong>{ $when }</strong>.
when-exempt-there = Votre exemption prend fin le <strong>{ $exempt_until }</strong> : pour cette entreprise, votre compte aura besoin de la deuxième étape à partir du <strong>{ $when }</strong>.
when-moved = La date prévue était le { $told } ; la deuxième étape sera nécessaire à partir du <strong>{ $when }</strong>.
when-moved-there = La date prévue était le { $told } ; c’est maintenant le <strong>{ $when }</strong>.
when-moved-now = La deuxième étape sera nécessaire à partir du <strong>{ $when }</strong>.
when-moved-now-there = La nouvelle date est le <strong>{ $when }</strong>.
when-cancelled = La date prévue était le <strong>{ $told }</strong>, et aucune autre date n’a été fixée.
when-no-longer = Elle était nécessaire depuis le <strong>{ $told }</strong>. Si une autre date est fixée, un e-mail vous en informera.

## What if nothing is done: the third sentence

idle = Si vous ne l’avez pas configurée d’ici là, vous pourrez tout de même vous connecter : il vous suffira de suivre les instructions de configuration avant de continuer.
idle-final = Si vous ne faites rien, vous pourrez tout de même vous connecter, mais vous devrez suivre les instructions de configuration avant de continuer ; la configurer dès maintenant vous évitera cette interruption.
idle-now = Si vous ne l’avez pas encore configurée, vous pouvez tout de même vous connecter : lors de votre prochaine connexion, des instructions vous guideront dans la configuration, et tout le contenu de votre compte est conservé.
idle-otherwise = Votre compte a déjà besoin de la deuxième étape pour une autre raison (une autre entreprise dont vous faites partie ou des paiements que vous recevez) : lors de votre prochaine connexion, des instructions vous guideront dans la configuration, et tout le contenu de votre compte est conservé.
idle-otherwise-final = Votre compte a déjà besoin de la deuxième étape pour une autre raison (une autre entreprise dont vous faites partie ou des paiements que vous recevez) : lors de votre prochaine connexion, des instructions vous guideront dans la configuration ; la configurer dès maintenant vous évitera cette interruption.
idle-cancelled = Vous n’avez rien à faire : si vous avez déjà configuré une deuxième étape, elle reste active et protège votre compte.
idle-cancelled-otherwise = Votre compte a toujours besoin d’une deuxième étape pour une autre raison (une autre entreprise dont vous faites partie ou des paiements que vous recevez) : lors de votre prochaine connexion, des instructions vous guideront dans la configuration.

## Beside a notice: for who wants to know exactly

# $set_by is a person's name or address, as whoever set the date gave it.
set-by = Date fixée par { $set_by } pour { $company }. En UTC : { $when_utc }.
set-by-admin = Date fixée par une personne qui administre les comptes utilisateur chez { $company }. En UTC : { $when_utc }.
set-by-payees = Cette règle est fixée par { $product }. En UTC : depuis le { $when_utc }.

## Around the notices

hello = Bonjour { $name },
hello-nameless = Bonjour,
several =
    { $count ->
        [one] Cet e-mail contient une notification.
       *[other] Cet e-mail contient { $count } notifications.
    }
several-once = Une seule configuration de la deuxième étape suffit pour toutes ces notifications.
steps = Configurer la deuxième étape en quelques minutes
step-sign-in = Connectez-vous sur <a>{ $sign_in_url }</a>
step-open = Ou ouvrez { $product } comme d’habitude : vous n’avez pas besoin du lien.
step-menu = Allez dans <strong>{ $menu }</strong>.
step-led = La configuration s’ouvre automatiquement. Sinon, allez dans <strong>{ $menu }</strong>.
step-choose = Choisissez « <strong>{ $authenticator_label }</strong> ». Les codes par SMS ne sont pas disponibles pour votre compte.
step-choose-phone = Choisissez « <strong>{ $authenticator_label }</strong> » ou, pour recevoir les codes par SMS, « <strong>{ $phone_label }</strong> ».
step-prompts = Suivez les instructions.
step-code = Copiez ou téléchargez le code de récupération et conservez-le en lieu sûr.
keep-code = Conservez le code de récupération à un endroit accessible depuis un autre appareil : sans votre téléphone, vous en aurez besoin pour vous connecter. Chaque code ne fonctionne qu’une fois ; après en avoir utilisé un, vous pouvez en enregistrer un nouveau.
nothing-left = Si vous avez configuré la deuxième étape depuis l’envoi de cet e-mail, vous n’avez plus rien à faire.
ask = Des questions ? Adressez-vous à { $contact }.
ask-about = Des questions sur la deuxième étape chez { $company } ? Adressez-vous à { $contact }.
ask-admin = Des questions ? Adressez-vous à la personne qui administre les comptes utilisateur chez { $company }.
ask-support = Des questions ? Adressez-vous à l’assistance { $product }.
sent-to = Envoyé à { $address }, l’adresse de votre compte { $product }. { $product } ne vous demande jamais d’envoyer un mot de passe ou un code par e-mail.

## Mail to a company's admins

# On hold = suspendue, released = rétablie, taken away = supprimée, undone = levée (l'obligation), whoever runs the service =
# la personne qui gère le service.

# Who decided, where nobody is named.
admin-somebody = Une personne non nommée

admin-subject-set = { $company } : une deuxième étape lors de la connexion, à partir du { $date }
admin-subject-moved = { $company } : nouvelle date, le { $date } au lieu du { $was } (deuxième étape lors de la connexion)
admin-subject-cancelled = { $company } : date du { $date } annulée (deuxième étape lors de la connexion)
admin-subject-ended = { $company } : date du { $date } supprimée (deuxième étape lors de la connexion)
admin-subject-held = { $company } : date du { $date } suspendue (deuxième étape lors de la connexion)
admin-subject-released = { $company } : date du { $date } rétablie (deuxième étape lors de la connexion)
admin-subject-reverted = { $company } : la deuxième étape lors de la connexion n’est plus nécessaire
admin-subject-digest =
    { $days_left ->
        [0] { $company } : dès aujourd’hui, une deuxième étape lors de la connexion (configurée par { $enrolled } sur { $subjects })
        [1] { $company } : dès demain, une deuxième étape lors de la connexion (configurée par { $enrolled } sur { $subjects })
       *[other] { $company } : dans { $days_left } jours, une deuxième étape lors de la connexion (configurée par { $enrolled } sur { $subjects })
    }
admin-subject-report = { $company } : la deuxième étape est désormais nécessaire (configurée par { $enrolled } sur { $subjects })

# What was decided, by whom.
admin-set = <strong>{ $by }</strong> a fixé une date pour <strong>{ $company }</strong> : tout le monde y aura besoin d’une deuxième étape pour se connecter à { $product }, à partir du <strong>{ $when }</strong>.
admin-moved = <strong>{ $by }</strong> a modifié la date fixée pour <strong>{ $company }</strong> (auparavant le { $was }) : tout le monde y aura besoin d’une deuxième étape pour se connecter à { $product }, à partir du <strong>{ $when }</strong>.
admin-cancelled = <strong>{ $by }</strong> a annulé la date à partir de laquelle tout le monde chez <strong>{ $company }</strong> aurait eu besoin d’une deuxième étape pour se connecter à { $product } : le <strong>{ $date }</strong>.
admin-ended = <strong>{ $by }</strong> a supprimé, alors qu’elle était déjà en vigueur, la date à partir de laquelle tout le monde chez <strong>{ $company }</strong> a besoin d’une deuxième étape pour se connecter à { $product } : le <strong>{ $date }</strong>.
admin-held = <strong>{ $by }</strong> a suspendu la date à partir de laquelle tout le monde chez <strong>{ $company }</strong> aura besoin d’une deuxième étape pour se connecter à { $product } : le <strong>{ $date }</strong>.
admin-held-itself = Est suspendue la date à partir de laquelle tout le monde chez <strong>{ $company }</strong> aura besoin d’une deuxième étape pour se connecter à { $product } : le <strong>{ $date }</strong>.
admin-released = <strong>{ $by }</strong> a rétabli la date qui était suspendue pour <strong>{ $company }</strong> : tout le monde y aura besoin d’une deuxième étape pour se connecter à { $product }, à partir du <strong>{ $when }</strong>.
admin-reverted = <strong>{ $by }</strong> a levé l’obligation en vigueur chez <strong>{ $company }</strong> depuis le <strong>{ $date }</strong> : une deuxième étape pour se connecter à { $product }.
admin-utc = En UTC : { $when_utc }.
admin-decided = Décision prise le { $decided }.
admin-reason = Motif indiqué : { $reason }
# Why the daemon itself holds a date. $held is a word of its own.
admin-held-why =
    { $held ->
        [mfa_not_available] Motif : la deuxième étape n’est pas encore disponible pour votre entreprise.
        [unknown_time_zone] Motif : le fuseau horaire de l’entreprise n’est pas connu ; impossible donc de savoir à quel moment la journée commence.
        [date_in_past] Motif : la date était déjà passée lorsqu’elle a été enregistrée.
        [notice_too_short] Motif : la date laisse aux personnes concernées moins de temps que prévu.
        [no_enrolled_admin] Motif : aucune des personnes qui administrent les comptes utilisateur de l’entreprise n’a configuré la deuxième étape.
        [too_few_enrolled] Motif : trop de personnes n’ont pas configuré la deuxième étape.
        [too_few_told] Motif : trop de personnes n’ont pas pu être prévenues.
       *[other] Motif : une personne doit d’abord prendre une décision.
    }

# What comes of it.
admin-then-told =
    { $people ->
        [0] Personne ne reçoit d’e-mail à ce sujet : toutes les personnes concernées ont configuré la deuxième étape, ou doivent déjà l’utiliser.
        [1] 1 personne est informée par e-mail, à partir du { $first_mail }.
       *[other] { $people } personnes sont informées par e-mail, à partir du { $first_mail }.
    }
admin-then-cancelled = Les personnes informées de cette date recevront un e-mail leur indiquant qu’elle n’est plus valable. À cause de cette date, la deuxième étape n’est demandée à personne.
admin-then-ended = Les personnes qui ont déjà besoin de la deuxième étape en ont toujours besoin ; celles qui rejoignent l’entreprise à partir de maintenant n’en ont pas besoin.
admin-then-held = Tant que la date est suspendue, aucune notification n’est envoyée et la deuxième étape n’est demandée à personne à cause d’elle.
admin-then-reverted = Les personnes qui n’en ont plus besoin et qui ne l’ont pas configurée en sont informées par e-mail. Celles qui l’ont configurée la conservent.
admin-stands = Une autre date de { $company } reste prévue : <strong>{ $stands }</strong>.

# How to undo it. The command stands on a line of its own behind it.
admin-undo-set = Pour annuler cette date, supprimez-la là où elle a été fixée ou demandez à la personne qui gère le service de saisir cette commande :
admin-undo-cancelled = Pour fixer de nouveau une date, indiquez-la au même endroit qu’auparavant ou demandez à la personne qui gère le service de saisir cette commande :
admin-undo-ended = Pour lever aussi l’obligation des personnes déjà concernées, demandez à la personne qui gère le service de saisir cette commande :
admin-undo-held = Pour maintenir tout de même la date, demandez à la personne qui gère le service de saisir cette commande :
admin-undo-released = Pour suspendre de nouveau la date, demandez à la personne qui gère le service de saisir cette commande :
admin-undo-reverted = Pour rétablir l’obligation, fixez une date ou demandez à la personne qui gère le service de saisir cette commande :
admin-undo-report = Pour lever l’obligation, demandez à la personne qui gère le service de saisir cette commande :

# Digest and report of the day. The number of those who are ready decides: '0 personne', '1 personne'.
admin-progress =
    { $enrolled ->
        [one] Chez <strong>{ $company }</strong>, { $enrolled } personne sur { $subjects } a configuré la deuxième étape pour { $product } ({ $percent } %).
       *[other] Chez <strong>{ $company }</strong>, { $enrolled } personnes sur { $subjects } ont configuré la deuxième étape pour { $product } ({ $percent } %).
    }
admin-left =
    { $days_left ->
        [0] La deuxième étape est nécessaire à partir d’aujourd’hui, <strong>{ $when }</strong>.
        [1] La deuxième étape sera nécessaire à partir de demain, <strong>{ $when }</strong>.
       *[other] La deuxième étape sera nécessaire dans { $days_left } jours, à partir du <strong>{ $when }</strong>.
    }
admin-since = La deuxième étape est nécessaire depuis le <strong>{ $when }</strong>.
admin-all-ready = Tout le monde est prêt : il n’y a plus rien à faire.
admin-led = Les personnes qui n’ont pas encore configuré la deuxième étape seront guidées dans la configuration lors de leur prochaine connexion. Personne ne perd l’accès à son compte.
admin-next-reminder = Prochain rappel aux personnes qui ne sont pas encore prêtes : le { $next_date }.
admin-waiting =
    { $people ->
        [one] Pas encore prête : { $people } personne
       *[other] Pas encore prêtes : { $people } personnes
    }
admin-unreachable =
    { $unreachable ->
        [one] Jamais jointe : { $unreachable } personne
       *[other] Jamais jointes : { $unreachable } personnes
    }
admin-unreachable-why = Aucune notification au sujet de cette date n’a pu être remise : l’envoi à l’adresse enregistrée échoue. Merci de corriger l’adresse dans { $product } ou de transmettre vous-même l’information.
admin-more =
    { $more ->
        [one] et { $more } autre
       *[other] et { $more } autres
    }
admin-why-you = Vous recevez cet e-mail parce que vous administrez les comptes utilisateur chez { $company }. Si vous ne souhaitez plus recevoir ces e-mails, ou seulement ceux qui annoncent une décision, adressez-vous à la personne qui gère le service.
