# The words of notices in Portuguese (Project Fluent, https://projectfluent.org).
#
# Every language has the same messages. `<strong>` is bold in HTML, and nothing in plain text and subjects.
# For the reader: no exclamation marks, no 'MFA', nothing urgent; nobody is locked out.
# Words: second step = segunda etapa; recovery code = código de recuperação; sign in = fazer login; set up = configurar;
# notice = aviso. Brazilian words, and no 'você'. Before dates 'de', 'desde', 'até' without an article: 'no sábado', but 'na sexta-feira'.

## Moments

moment = { $date }, { $time }
moment-in = { $date }, { $time } ({ $zone })
day-one = 1º

## Subjects

# A mail with several notices. $headline is the subject of the one that matters most.
subject-several = { $headline } (e mais { $others })
subject-from = A partir de { $date }, { $company } exigirá uma segunda etapa para fazer login em { $product }
# How long there is until the date, as a subject begins.
left =
    { $days_left ->
        [0] Hoje
        [1] Amanhã
       *[other] Daqui a { $days_left } dias
    }
subject-left = { left }: { $company } exige uma segunda etapa para fazer login em { $product }
subject-now = Agora é necessário: configure a segunda etapa no próximo login
subject-moved = Nova data: { $date }, em vez de { $told } (segunda etapa para { $product })
subject-moved-now = Nova data: { $date } (segunda etapa para { $product })
subject-cancelled = Cancelada: a segunda etapa que { $company } exigiria a partir de { $told }, para fazer login em { $product }
subject-cancelled-otherwise = Cancelada: a data da empresa { $company }, { $told } (segunda etapa em { $product })
subject-no-longer = Não é mais necessário: { $company } deixou de exigir uma segunda etapa para fazer login em { $product }

## What: the first sentence of a notice

what = <strong>{ $company }</strong> exigirá uma segunda etapa para fazer login em { $product }: depois da senha, um código que aparece no seu telefone.
what-everyone = <strong>{ $company }</strong> exige uma segunda etapa de todas as pessoas da empresa que fazem login em { $product }: depois da senha, um código que aparece no seu telefone.
what-now = <strong>{ $company }</strong> agora exige uma segunda etapa para fazer login em { $product }: depois da senha, um código que aparece no seu telefone.
what-now-payees = { $product } agora exige uma segunda etapa no login de todas as pessoas que recebem pagamentos: depois da senha, um código que aparece no seu telefone.
what-moved = <strong>{ $company }</strong> mudou a data a partir da qual será necessária uma segunda etapa para fazer login em { $product } (depois da senha, um código que aparece no seu telefone).
what-cancelled = <strong>{ $company }</strong> cancelou a data a partir da qual seria necessária uma segunda etapa para fazer login em { $product }.
what-no-longer = <strong>{ $company }</strong> não exige mais uma segunda etapa para fazer login em { $product }.

## From when: the second sentence

when-from = Ela será necessária a partir de <strong>{ $when }</strong>.
# Something else requires it already; this is the date of this company.
when-there = Para essa empresa, a data é <strong>{ $when }</strong>.
when-left =
    { $days_left ->
        [0] Ela ainda não está configurada na sua conta e é necessária a partir de hoje, <strong>{ $when }</strong>.
        [1] Ela ainda não está configurada na sua conta e será necessária a partir de amanhã, <strong>{ $when }</strong>.
       *[other] Ela ainda não está configurada na sua conta e será necessária daqui a { $days_left } dias, a partir de <strong>{ $when }</strong>.
    }
# Something else requires it already; this is the date of this company.
when-left-there =
    { $days_left ->
        [0] Ela ainda não está configurada na sua conta e é necessária para { $company } a partir de hoje, <strong>{ $when }</strong>.
        [1] Ela ainda não está configurada na sua conta e será necessária para { $company } a partir de amanhã, <strong>{ $when }</strong>.
       *[other] Ela ainda não está configurada na sua conta e será necessária para { $company } daqui a { $days_left } dias, a partir de <strong>{ $when }</strong>.
    }
when-since = Ela é necessária desde <strong>{ $when }</strong>.
when-account = Para a sua conta, ela será necessária a partir de <strong>{ $when }</strong>.
when-account-there = Para essa empresa, a sua conta precisará dela a partir de <strong>{ $when }</strong>.
when-account-since = Para a sua conta, ela é necessária desde <strong>{ $when }</strong>.
when-exempt = A sua isenção vai até <strong>{ $exempt_until }</strong>: a segunda etapa será necessária para a sua conta a partir de <strong>{ $when }</strong>.
when-exempt-there = A sua isenção vai até <strong>{ $exempt_until }</strong>: para essa empresa, a sua conta precisará da segunda etapa a partir de <strong>{ $when }</strong>.
when-moved = A data era { $told }; agora, a segunda etapa será necessária a partir de <strong>{ $when }</strong>.
when-moved-there = A data era { $told }; agora é <strong>{ $when }</strong>.
when-moved-now = Agora, a segunda etapa será necessária a partir de <strong>{ $when }</strong>.
when-moved-now-there = A nova data é <strong>{ $when }</strong>.
when-cancelled = A data era <strong>{ $told }</strong>, e nenhuma outra foi definida.
when-no-longer = Ela era necessária desde <strong>{ $told }</strong>. Se outra data for definida, um novo aviso será enviado.

## What if nothing is done: the third sentence

idle = Se até lá ela não estiver configurada, ainda será possível fazer login: bastará seguir as instruções de configuração antes de continuar.
idle-final = Se nada for feito, ainda será possível fazer login, mas será preciso seguir as instruções de configuração antes de continuar; configurar agora evita essa interrupção.
idle-now = Se ela ainda não estiver configurada, é possível fazer login mesmo assim: no próximo login, as instruções na tela orientarão a configuração, e todo o conteúdo da sua conta será mantido.
idle-otherwise = A sua conta já precisa da segunda etapa por outro motivo (outra empresa da qual faz parte ou pagamentos que recebe): no próximo login, as instruções na tela orientarão a configuração, e todo o conteúdo da sua conta será mantido.
idle-otherwise-final = A sua conta já precisa da segunda etapa por outro motivo (outra empresa da qual faz parte ou pagamentos que recebe): no próximo login, as instruções na tela orientarão a configuração; configurar agora evita essa interrupção.
idle-cancelled = Não é preciso fazer nada: se uma segunda etapa já estiver configurada, ela continuará ativa e protegendo a sua conta.
idle-cancelled-otherwise = A sua conta ainda precisa de uma segunda etapa por outro motivo (outra empresa da qual faz parte ou pagamentos que recebe): no próximo login, as instruções na tela orientarão a configuração.

## Beside a notice: for who wants to know exactly

# $set_by is a person's name or address, as whoever set the date gave it.
set-by = Data definida por { $set_by } para { $company }. Em UTC: { $when_utc }.
set-by-admin = Data definida por uma pessoa que administra as contas de usuário de { $company }. Em UTC: { $when_utc }.
set-by-payees = Esta regra é definida por { $product }. Em UTC: desde { $when_utc }.

## Around the notices

hello = Olá, { $name },
hello-nameless = Olá,
several =
    { $count ->
        [one] Este e-mail contém um aviso.
       *[other] Este e-mail contém { $count } avisos.
    }
several-once = Basta configurar a segunda etapa uma única vez: vale para todos.
steps = Como configurar a segunda etapa em poucos minutos
step-sign-in = Faça login em <a>{ $sign_in_url }</a>
step-open = Ou abra { $product } como de costume: o link não é necessário.
step-menu = Vá para <strong>{ $menu }</strong>.
step-led = A configuração abre automaticamente. Se isso não acontecer, vá para <strong>{ $menu }</strong>.
step-choose = Escolha “<strong>{ $authenticator_label }</strong>”. Códigos por mensagem de texto não estão disponíveis para a sua conta.
step-choose-phone = Escolha “<strong>{ $authenticator_label }</strong>” ou, para receber os códigos por mensagem de texto, “<strong>{ $phone_label }</strong>”.
step-prompts = Siga as instruções.
step-code = Copie ou baixe o código de recuperação e guarde-o em um lugar seguro.
keep-code = Guarde o código de recuperação onde possa consultá-lo em outro dispositivo: sem o telefone, ele será necessário para fazer login. Cada código funciona uma única vez e, depois de usar um, é possível salvar um novo.
nothing-left = Se a segunda etapa foi configurada depois do envio deste e-mail, não há mais nada a fazer.
ask = Dúvidas? Fale com { $contact }.
ask-about = Dúvidas sobre a segunda etapa em { $company }? Fale com { $contact }.
ask-admin = Dúvidas? Fale com quem administra as contas de usuário de { $company }.
ask-support = Dúvidas? Fale com o suporte de { $product }.
sent-to = Enviado para { $address }, o endereço da sua conta em { $product }. { $product } nunca pede o envio de senhas ou códigos por e-mail.

## Mail to a company's admins

# On hold = suspensa, released = restabelecida, taken away = removida, undone = desfeito, whoever runs the service = quem opera o
# serviço.

# Who decided, where nobody is named.
admin-somebody = Uma pessoa não indicada

admin-subject-set = { $company }: uma segunda etapa no login a partir de { $date }
admin-subject-moved = { $company }: nova data, { $date } em vez de { $was } (segunda etapa no login)
admin-subject-cancelled = { $company }: data cancelada, { $date } (segunda etapa no login)
admin-subject-ended = { $company }: data removida, { $date } (segunda etapa no login)
admin-subject-held = { $company }: data suspensa, { $date } (segunda etapa no login)
admin-subject-released = { $company }: data restabelecida, { $date } (segunda etapa no login)
admin-subject-reverted = { $company }: a segunda etapa no login não é mais necessária
admin-subject-digest =
    { $days_left ->
        [0] { $company }: a partir de hoje, uma segunda etapa no login (configurada por { $enrolled } de { $subjects })
        [1] { $company }: a partir de amanhã, uma segunda etapa no login (configurada por { $enrolled } de { $subjects })
       *[other] { $company }: daqui a { $days_left } dias, uma segunda etapa no login (configurada por { $enrolled } de { $subjects })
    }
admin-subject-report = { $company }: a segunda etapa agora é necessária (configurada por { $enrolled } de { $subjects })

# What was decided, by whom.
admin-set = <strong>{ $by }</strong> definiu uma data para <strong>{ $company }</strong>: todas as pessoas da empresa precisarão de uma segunda etapa para fazer login em { $product } a partir de <strong>{ $when }</strong>.
admin-moved = <strong>{ $by }</strong> mudou a data de <strong>{ $company }</strong> (antes era { $was }): todas as pessoas da empresa precisarão de uma segunda etapa para fazer login em { $product } a partir de <strong>{ $when }</strong>.
admin-cancelled = <strong>{ $by }</strong> cancelou a data a partir da qual todas as pessoas de <strong>{ $company }</strong> precisariam de uma segunda etapa para fazer login em { $product }: <strong>{ $date }</strong>.
admin-ended = <strong>{ $by }</strong> removeu, quando já estava em vigor, a data a partir da qual todas as pessoas de <strong>{ $company }</strong> precisam de uma segunda etapa para fazer login em { $product }: <strong>{ $date }</strong>.
admin-held = <strong>{ $by }</strong> suspendeu a data a partir da qual todas as pessoas de <strong>{ $company }</strong> precisarão de uma segunda etapa para fazer login em { $product }: <strong>{ $date }</strong>.
admin-held-itself = Está suspensa a data a partir da qual todas as pessoas de <strong>{ $company }</strong> precisarão de uma segunda etapa para fazer login em { $product }: <strong>{ $date }</strong>.
admin-released = <strong>{ $by }</strong> restabeleceu a data suspensa de <strong>{ $company }</strong>: todas as pessoas da empresa precisarão de uma segunda etapa para fazer login em { $product } a partir de <strong>{ $when }</strong>.
admin-reverted = <strong>{ $by }</strong> desfez o que <strong>{ $company }</strong> exigia a partir de <strong>{ $date }</strong>: uma segunda etapa para fazer login em { $product }.
admin-utc = Em UTC: { $when_utc }.
admin-decided = Data da decisão: { $decided }.
admin-reason = Motivo informado: { $reason }
# Why the daemon itself holds a date. $held is a word of its own.
admin-held-why =
    { $held ->
        [mfa_not_available] Motivo: a segunda etapa ainda não está disponível para a sua empresa.
        [unknown_time_zone] Motivo: o fuso horário da empresa não é conhecido; por isso, não dá para saber quando o dia começa.
        [date_in_past] Motivo: a data já tinha passado quando foi registrada.
        [notice_too_short] Motivo: a data deixa para as pessoas menos tempo do que o previsto.
        [no_enrolled_admin] Motivo: nenhuma das pessoas que administram as contas de usuário da empresa configurou a segunda etapa.
        [too_few_enrolled] Motivo: há pessoas demais que não configuraram a segunda etapa.
        [too_few_told] Motivo: há pessoas demais que não puderam ser avisadas.
       *[other] Motivo: é preciso primeiro que uma pessoa decida.
    }

# What comes of it.
admin-then-told =
    { $people ->
        [0] Ninguém recebe e-mail por causa disso: todas as pessoas abrangidas configuraram a segunda etapa ou já precisam dela.
        [1] 1 pessoa é avisada por e-mail, a partir desta data: { $first_mail }.
       *[other] { $people } pessoas são avisadas por e-mail, a partir desta data: { $first_mail }.
    }
admin-then-cancelled = As pessoas avisadas dessa data serão informadas de que ela não vale mais. Por causa dessa data, a segunda etapa não é exigida de ninguém.
admin-then-ended = Quem já precisa da segunda etapa continua precisando; quem entrar na empresa a partir de agora não precisará dela.
admin-then-held = Enquanto a data estiver suspensa, ninguém recebe avisos e a segunda etapa não é exigida de ninguém por causa dela.
admin-then-reverted = Quem deixa de precisar dela e não a configurou é avisado por e-mail. Quem a configurou continua com ela.
admin-stands = Outra data de { $company } continua prevista: <strong>{ $stands }</strong>.

# How to undo it. The command stands on a line of its own behind it.
admin-undo-set = Para cancelar esta data, remova-a onde ela foi definida ou peça a quem opera o serviço que execute este comando:
admin-undo-cancelled = Para definir uma data de novo, indique-a onde ela estava antes ou peça a quem opera o serviço que execute este comando:
admin-undo-ended = Para deixar de exigir a segunda etapa também de quem já precisa dela, peça a quem opera o serviço que execute este comando:
admin-undo-held = Para manter a data mesmo assim, peça a quem opera o serviço que execute este comando:
admin-undo-released = Para suspender a data de novo, peça a quem opera o serviço que execute este comando:
admin-undo-reverted = Para exigir a segunda etapa de novo, defina uma data ou peça a quem opera o serviço que execute este comando:
admin-undo-report = Para deixar de exigir a segunda etapa, peça a quem opera o serviço que execute este comando:

# Digest and report of the day. The number of those who are ready decides: '1 pessoa', but '0 pessoas', hence not [one].
admin-progress =
    { $enrolled ->
        [1] Em <strong>{ $company }</strong>, { $enrolled } pessoa de { $subjects } configurou a segunda etapa para { $product } ({ $percent }%).
       *[other] Em <strong>{ $company }</strong>, { $enrolled } pessoas de { $subjects } configuraram a segunda etapa para { $product } ({ $percent }%).
    }
admin-left =
    { $days_left ->
        [0] A segunda etapa é necessária a partir de hoje, <strong>{ $when }</strong>.
        [1] A segunda etapa será necessária a partir de amanhã, <strong>{ $when }</strong>.
       *[other] A segunda etapa será necessária daqui a { $days_left } dias, a partir de <strong>{ $when }</strong>.
    }
admin-since = A segunda etapa é necessária desde <strong>{ $when }</strong>.
admin-all-ready = Está tudo pronto: não há mais nada a fazer.
admin-led = Para quem ainda não configurou a segunda etapa, as instruções na tela orientarão a configuração no próximo login. Ninguém perde o acesso à conta.
admin-next-reminder = Próximo lembrete para quem ainda não configurou a segunda etapa: { $next_date }.
admin-waiting =
    { $people ->
        [one] Pendente: { $people } pessoa
       *[other] Pendentes: { $people } pessoas
    }
admin-unreachable =
    { $unreachable ->
        [one] Sem nenhum aviso recebido: { $unreachable } pessoa
       *[other] Sem nenhum aviso recebido: { $unreachable } pessoas
    }
admin-unreachable-why = Os avisos sobre esta data não foram entregues: o envio para o endereço cadastrado falha. Corrija o endereço em { $product } ou avise diretamente, por favor.
admin-more =
    { $more ->
        [one] e mais { $more }
       *[other] e mais { $more }
    }
admin-why-you = Este e-mail é enviado a quem administra as contas de usuário de { $company }. Para não receber mais estes e-mails, ou receber só os que comunicam uma decisão, fale com quem opera o serviço.
