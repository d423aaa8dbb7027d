BsoftmaxJu
dÖ
