# The words of notices in Spanish (Project Fluent, https://projectfluent.org).
#
# Every language has the same messages. `<strong>` is bold in HTML, and nothing in plain text and subjects.
# For the reader: no exclamation marks, no 'MFA', nothing urgent; nobody is locked out.
# Words: second step = segundo paso; recovery code = código de recuperación; sign in = iniciar sesión; set up = configurar;
# notice = aviso. The reader is 'usted'. Dates take the article: 'a partir del', 'desde el', 'era el'.

## Moments

moment = { $date }, { $time }
moment-in = { $date }, { $time } ({ $zone })
day-one = 1

## Subjects

# A mail with several notices. $headline is the subject of the one that matters most.
subject-several = { $headline } (y { $others } más)
subject-from = A partir del { $date }, { $company } requerirá un segundo paso para iniciar sesión en { $product }
# How long there is until the date, as a subject begins.
left =
    { $days_left ->
        [0] Hoy
        [1] Mañana
       *[other] Dentro de { $days_left } días
    }
subject-left = { left }: { $company } requiere un segundo paso para iniciar sesión en { $product }
subject-now = Ahora es necesario: configure el segundo paso en su próximo inicio de sesión
subject-moved = Nueva fecha: { $date }, en lugar del { $told } (segundo paso para { $product })
subject-moved-now = Nueva fecha: { $date } (segundo paso para { $product })
subject-cancelled = Cancelado: el segundo paso que { $company } iba a requerir a partir del { $told }, para iniciar sesión en { $product }
subject-cancelled-otherwise = Anulada: la fecha de la empresa { $company }, { $told } (segundo paso en { $product })
subject-no-longer = Ya no es necesario: { $company } ha dejado de requerir un segundo paso para iniciar sesión en { $product }

## What: the first sentence of a notice

what = <strong>{ $company }</strong> pedirá un segundo paso para iniciar sesión en { $product }: después de la contraseña, un código que aparece en su teléfono.
what-everyone = <strong>{ $company }</strong> requiere un segundo paso para todas las personas de la empresa que inician sesión en { $product }: después de la contraseña, un código que aparece en su teléfono.
what-now = <strong>{ $company }</strong> requiere ahora un segundo paso para iniciar sesión en { $product }: después de la contraseña, un código que aparece en su teléfono.
what-now-payees = { $product } pide ahora a todas las personas que reciben pagos un segundo paso para iniciar sesión: después de la contraseña, un código que aparece en su teléfono.
what-moved = <strong>{ $company }</strong> ha cambiado la fecha a partir de la cual será necesario un segundo paso para iniciar sesión en { $product } (después de la contraseña, un código que aparece en su teléfono).
what-cancelled = <strong>{ $company }</strong> ha cancelado la fecha a partir de la cual habría sido necesario un segundo paso para iniciar sesión en { $product }.
what-no-longer = <strong>{ $company }</strong> ya no requiere un segundo paso para iniciar sesión en { $product }.

## From when: the second sentence

when-from = Será necesario a partir del <strong>{ $when }</strong>.
# Something else requires it already; this is the date of this company.
when-there = Para esta empresa, la fecha es el <strong>{ $when }</strong>.
when-left =
    { $days_left ->
        [0] Su cuenta todavía no tiene configurado el segundo paso y lo necesita a partir de hoy, <strong>{ $when }</strong>.
        [1] Su cuenta todavía no tiene configurado el segundo paso y lo necesitará a partir de mañana, <strong>{ $when }</strong>.
       *[other] Su cuenta todavía no tiene configurado el segundo paso y lo necesitará dentro de { $days_left } días, a partir del <strong>{ $when }</strong>.
    }
# Something else requires it already; this is the date of this company.
when-left-there =
    { $days_left ->
        [0] Su cuenta todavía no tiene configurado el segundo paso y lo necesita para { $company } a partir de hoy, <strong>{ $when }</strong>.
        [1] Su cuenta todavía no tiene configurado el segundo paso y lo necesitará para { $company } a partir de mañana, <strong>{ $when }</strong>.
       *[other] Su cuenta todavía no tiene configurado el segundo paso y lo necesitará para { $company } dentro de { $days_left } días, a partir del <strong>{ $when }</strong>.
    }
when-since = Es necesario desde el <strong>{ $when }</strong>.
when-account = Para su cuenta será necesario a partir del <strong>{ $when }</strong>.
when-account-there = Para esta empresa, su cuenta lo necesitará a partir del <strong>{ $when }</strong>.
when-account-since = Para su cuenta es necesario desde el <strong>{ $when }</strong>.
when-exempt = Su exención termina el <strong>{ $exempt_until }</strong>: el segundo paso será necesario para su cuenta a partir del <strong>{ $when }</strong>.
when-exempt-there = Su exención termina el <strong>{ $exempt_until }</strong>: para esta empresa, su cuenta necesitará el segundo paso a partir del <strong>{ $when }</strong>.
when-moved = La fecha era el { $told }; ahora, el segundo paso será necesario a partir del <strong>{ $when }</strong>.
when-moved-there = La fecha era el { $told }; ahora es el <strong>{ $when }</strong>.
when-moved-now = Ahora, el segundo paso será necesario a partir del <strong>{ $when }</strong>.
when-moved-now-there = La nueva fecha es el <strong>{ $when }</strong>.
when-cancelled = La fecha era el <strong>{ $told }</strong>, y no se ha fijado ninguna otra.
when-no-longer = Era necesario desde el <strong>{ $told }</strong>. Si se fija otra fecha, se le avisará.

## What if nothing is done: the third sentence

idle = Si para entonces no lo ha configurado, podrá iniciar sesión igualmente, y se le guiará en la configuración antes de continuar.
idle-final = Si no hace nada, podrá iniciar sesión igualmente, pero se le guiará en la configuración antes de continuar; si lo configura ahora, se ahorrará esa interrupción.
idle-now = Si todavía no lo ha configurado, puede iniciar sesión igualmente: en su próximo inicio de sesión se le guiará en la configuración, y todo lo que hay en su cuenta se conserva.
idle-otherwise = Su cuenta ya necesita el segundo paso por otro motivo (otra empresa a la que usted pertenece o pagos que recibe): en su próximo inicio de sesión se le guiará en la configuración, y todo lo que hay en su cuenta se conserva.
idle-otherwise-final = Su cuenta ya necesita el segundo paso por otro motivo (otra empresa a la que usted pertenece o pagos que recibe): en su próximo inicio de sesión se le guiará en la configuración; si lo configura ahora, se ahorrará esa interrupción.
idle-cancelled = No tiene que hacer nada: si ya ha configurado un segundo paso, seguirá activo y protegiendo su cuenta.
idle-cancelled-otherwise = Su cuenta sigue necesitando un segundo paso por otro motivo (otra empresa a la que usted pertenece o pagos que recibe): en su próximo inicio de sesión se le guiará en la configuración.

## Beside a notice: for who wants to know exactly

# $set_by is a person's name or address, as whoever set the date gave it.
set-by = Fecha fijada por { $set_by } para { $company }. En UTC: { $when_utc }.
set-by-admin = Fecha fijada por una persona que administra las cuentas de usuario de { $company }. En UTC: { $when_utc }.
set-by-payees = Esta norma la establece { $product }. En UTC: desde el { $when_utc }.

## Around the notices

hello = Hola, { $name }:
hello-nameless = Hola:
several =
    { $count ->
        [one] Este correo contiene un aviso.
       *[other] Este correo contiene { $count } avisos.
    }
several-once = Basta con configurar el segundo paso una sola vez: sirve para todos.
steps = Cómo configurar el segundo paso en unos minutos
step-sign-in = Inicie sesión en <a>{ $sign_in_url }</a>
step-open = O abra { $product } como siempre: no necesita el enlace.
step-menu = Vaya a <strong>{ $menu }</strong>.
step-led = Se le llevará a la configuración. Si no es así, vaya a <strong>{ $menu }</strong>.
step-choose = Elija «<strong>{ $authenticator_label }</strong>». Los códigos por mensaje de texto no están disponibles para su cuenta.
step-choose-phone = Elija «<strong>{ $authenticator_label }</strong>» o, para recibir los códigos por mensaje de texto, «<strong>{ $phone_label }</strong>».
step-prompts = Siga las instrucciones.
step-code = Copie o descargue el código de recuperación y guárdelo en un lugar seguro.
keep-code = Guarde el código de recuperación donde pueda consultarlo desde otro dispositivo: si no tiene el teléfono, lo necesitará para iniciar sesión. Cada código funciona una sola vez y, después de usar uno, puede guardar uno nuevo.
nothing-left = Si ha configurado el segundo paso después del envío de este correo, no tiene que hacer nada más.
ask = ¿Tiene preguntas? Diríjase a { $contact }.
ask-about = ¿Tiene preguntas sobre el segundo paso en { $company }? Diríjase a { $contact }.
ask-admin = ¿Tiene preguntas? Diríjase a quien administra las cuentas de usuario en { $company }.
ask-support = ¿Tiene preguntas? Diríjase al servicio de asistencia de { $product }.
sent-to = Enviado a { $address }, la dirección de su cuenta en { $product }. { $product } nunca le pide que envíe una contraseña o un código por correo electrónico.

## Mail to a company's admins

# On hold = suspendida, released = restablecida, taken away = retirada, undone = anulado, whoever runs the service = quien gestiona
# el servicio.

# Who decided, where nobody is named.
admin-somebody = Una persona no indicada

admin-subject-set = { $company }: un segundo paso para iniciar sesión, a partir del { $date }
admin-subject-moved = { $company }: nueva fecha, el { $date } en lugar del { $was } (segundo paso para iniciar sesión)
admin-subject-cancelled = { $company }: cancelada la fecha del { $date } (segundo paso para iniciar sesión)
admin-subject-ended = { $company }: retirada la fecha del { $date } (segundo paso para iniciar sesión)
admin-subject-held = { $company }: suspendida la fecha del { $date } (segundo paso para iniciar sesión)
admin-subject-released = { $company }: restablecida la fecha del { $date } (segundo paso para iniciar sesión)
admin-subject-reverted = { $company }: el segundo paso para iniciar sesión ya no es necesario
admin-subject-digest =
    { $days_left ->
        [0] { $company }: desde hoy, un segundo paso para iniciar sesión (configurado por { $enrolled } de { $subjects })
        [1] { $company }: desde mañana, un segundo paso para iniciar sesión (configurado por { $enrolled } de { $subjects })
       *[other] { $company }: dentro de { $days_left } días, un segundo paso para iniciar sesión (configurado por { $enrolled } de { $subjects })
    }
admin-subject-report = { $company }: el segundo paso ahora es necesario (configurado por { $enrolled } de { $subjects })

# What was decided, by whom.
admin-set = <strong>{ $by }</strong> ha fijado una fecha para <strong>{ $company }</strong>: todas las personas de la empresa necesitarán un segundo paso para iniciar sesión en { $product } a partir del <strong>{ $when }</strong>.
admin-moved = <strong>{ $by }</strong> ha cambiado la fecha de <strong>{ $company }</strong> (antes era el { $was }): todas las personas de la empresa necesitarán un segundo paso para iniciar sesión en { $product } a partir del <strong>{ $when }</strong>.
admin-cancelled = <strong>{ $by }</strong> ha cancelado la fecha a partir de la cual todas las personas de <strong>{ $company }</strong> habrían necesitado un segundo paso para iniciar sesión en { $product }: el <strong>{ $date }</strong>.
admin-ended = <strong>{ $by }</strong> ha retirado, cuando ya estaba en vigor, la fecha a partir de la cual todas las personas de <strong>{ $company }</strong> necesitan un segundo paso para iniciar sesión en { $product }: el <strong>{ $date }</strong>.
admin-held = <strong>{ $by }</strong> ha suspendido la fecha a partir de la cual todas las personas de <strong>{ $company }</strong> necesitarán un segundo paso para iniciar sesión en { $product }: el <strong>{ $date }</strong>.
admin-held-itself = Está suspendida la fecha a partir de la cual todas las personas de <strong>{ $company }</strong> necesitarán un segundo paso para iniciar sesión en { $product }: el <strong>{ $date }</strong>.
admin-released = <strong>{ $by }</strong> ha restablecido la fecha suspendida de <strong>{ $company }</strong>: todas las personas de la empresa necesitarán un segundo paso para iniciar sesión en { $product } a partir del <strong>{ $when }</strong>.
admin-reverted = <strong>{ $by }</strong> ha anulado lo que <strong>{ $company }</strong> requería a partir del <strong>{ $date }</strong>: un segundo paso para iniciar sesión en { $product }.
admin-utc = En UTC: { $when_utc }.
admin-decided = Decisión tomada el { $decided }.
admin-reason = Motivo indicado: { $reason }
# Why the daemon itself holds a date. $held is a word of its own.
admin-held-why =
    { $held ->
        [mfa_not_available] Motivo: el segundo paso todavía no está disponible para su empresa.
        [unknown_time_zone] Motivo: no se conoce la zona horaria de la empresa, así que no se puede saber cuándo empieza el día.
        [date_in_past] Motivo: la fecha ya había pasado cuando se registró.
        [notice_too_short] Motivo: la fecha deja a las personas menos tiempo del previsto.
        [no_enrolled_admin] Motivo: ninguna de las personas que administran las cuentas de usuario de la empresa ha configurado el segundo paso.
        [too_few_enrolled] Motivo: demasiadas personas no han configurado el segundo paso.
        [too_few_told] Motivo: hay demasiadas personas a las que no se ha podido avisar.
       *[other] Motivo: antes tiene que decidirlo una persona.
    }

# What comes of it.
admin-then-told =
    { $people ->
        [0] No se escribe a nadie por ello: todas las personas afectadas han configurado el segundo paso o ya lo necesitan.
        [1] Se avisa por correo electrónico a 1 persona, a partir de esta fecha: { $first_mail }.
       *[other] Se avisa por correo electrónico a { $people } personas, a partir de esta fecha: { $first_mail }.
    }
admin-then-cancelled = A quienes habían recibido un aviso con esta fecha se les comunicará que ya no es válida. Por esta fecha no se requiere el segundo paso a nadie.
admin-then-ended = Quienes ya necesitan el segundo paso lo seguirán necesitando; quienes se incorporen a la empresa a partir de ahora no lo necesitarán.
admin-then-held = Mientras la fecha esté suspendida, no se escribirá a nadie y por ella no se requerirá el segundo paso a nadie.
admin-then-reverted = A quienes ya no lo necesitan y no lo han configurado se les comunica por correo electrónico. Quienes lo han configurado lo conservan.
admin-stands = Otra fecha de { $company } sigue prevista: <strong>{ $stands }</strong>.

# How to undo it. The command stands on a line of its own behind it.
admin-undo-set = Para cancelar esta fecha, quítela donde se fijó o pida a quien gestiona el servicio que introduzca este comando:
admin-undo-cancelled = Para volver a fijar una fecha, indíquela donde estaba antes o pida a quien gestiona el servicio que introduzca este comando:
admin-undo-ended = Para dejar de requerir el segundo paso también a quienes ya lo necesitan, pida a quien gestiona el servicio que introduzca este comando:
admin-undo-held = Para mantener la fecha de todos modos, pida a quien gestiona el servicio que introduzca este comando:
admin-undo-released = Para volver a suspender la fecha, pida a quien gestiona el servicio que introduzca este comando:
admin-undo-reverted = Para volver a requerir el segundo paso, fije una fecha o pida a quien gestiona el servicio que introduzca este comando:
admin-undo-report = Para dejar de requerir el segundo paso, pida a quien gestiona el servicio que introduzca este comando:

# Digest and report of the day. The number of those who are ready decides: '1 persona', '0 personas'.
admin-progress =
    { $enrolled ->
        [one] En <strong>{ $company }</strong>, { $enrolled } persona de { $subjects } ha configurado el segundo paso para { $product } ({ $percent } %).
       *[other] En <strong>{ $company }</strong>, { $enrolled } personas de { $subjects } han configurado el segundo paso para { $product } ({ $percent } %).
    }
admin-left =
    { $days_left ->
        [0] El segundo paso es necesario a partir de hoy, <strong>{ $when }</strong>.
        [1] El segundo paso será necesario a partir de mañana, <strong>{ $when }</strong>.
       *[other] El segundo paso será necesario dentro de { $days_left } días, a partir del <strong>{ $when }</strong>.
    }
admin-since = El segundo paso es necesario desde el <strong>{ $when }</strong>.
admin-all-ready = Todo está listo: no queda nada por hacer.
admin-led = A quienes no hayan configurado el segundo paso se les guiará en la configuración en su próximo inicio de sesión. Nadie pierde el acceso a su cuenta.
admin-next-reminder = Próximo recordatorio para quienes todavía no han configurado el segundo paso: el { $next_date }.
admin-waiting =
    { $people ->
        [one] Pendiente: 1 persona
       *[other] Pendientes: { $people } personas
    }
admin-unreachable =
    { $unreachable ->
        [one] Sin avisar: 1 persona
       *[other] Sin avisar: { $unreachable } personas
    }
admin-unreachable-why = Ningún aviso sobre esta fecha ha llegado a su destino: falla el envío a la dirección registrada. Corrija la dirección en { $product } o avise usted directamente, por favor.
admin-more =
    { $more ->
        [one] y 1 más
       *[other] y { $more } más
    }
admin-why-you = Recibe este correo porque administra las cuentas de usuario en { $company }. Si prefiere no recibir estos correos, o recibir solo los que comunican una decisión, diríjase a quien gestiona el servicio.
