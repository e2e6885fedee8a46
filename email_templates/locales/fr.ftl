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
