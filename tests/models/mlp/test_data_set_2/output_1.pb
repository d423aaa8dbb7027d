BprobabilitiesJ€,? YC>Üh
>