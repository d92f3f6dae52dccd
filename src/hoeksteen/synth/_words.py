"""
The words of which people, firms and places are made: our own lists, most frequent first.

A comma joins variants of one thing (prefix and surname, official and calling name); a blank ends it; `_` stands for a blank inside a name.
"""

# Frequent surnames, roughly in order of frequency: the head of the Zipf curve. `surname,prefix`
SURNAMES = """
Jong,de Jansen Vries,de Berg,van_den Bakker Dijk,van Visser Janssen Smit Meijer Boer,de Mulder Groot,de Bos Vos Peters Hendriks Leeuwen,van
Dekker Brouwer Wit,de Dijkstra Smits Graaf,de Meer,van_der Linden,van_der Kok Jacobs Haan,de Vermeulen Heuvel,van_den Veen,van_der
Broek,van_den Bruijn,de Bruin,de Schouten Beek,van Willems Vliet,van Ven,van_de Hoekstra Maas Verhoeven Koster Dam,van Wal,van_der Prins
Blom Huisman Peeters Jonge,de Kuipers Veenstra Post Kuiper Veldhuis Gerritsen Timmermans Kramer Brink,van_den Wijk,van Postma Martens Vink
Rooij,van Berends Sanders Evers Bosch,van_den Lange,de Schipper Bosman Kooij,van_der Hoek,van_der Kroon Molenaar Hermans Boon Gerrits
Verbeek Willemsen Scholten Wolters Driessen Roos Wouters Peer,van Groen Koning,de Kuijpers Bouwman Zwart,de Jonker Mol Heijden,van_der
Horst,ter Lent,van Bergh,van_den Schepers Dijkman Dongen,van Ploeg,van_der Gelder,van Essen,van Hofman Bogaard,van_den Aalst,van Swart
Terpstra Wiersma Sluis,van_der Zanden,van_der Kruijf,de Ridder,de Kempen,van Velde,van_de Bosma Vermeer Hoeven,van_der Eijk,van Ham,van
Beekman Jager,de Pol,van_de Boersma Nijhuis Zande,van_der Goede,de Rijn,van Laan,van_der Houten,van Wilde,de Vreeken Stam Ommen,van Zijl,van
Bakel,van Hulst,van Kerkhof,van_de Weide,van_der Hof,van_'t Hooft,van_'t Veer,van_'t Riet,van_'t Spijker,van_'t Nuland,van Zeeuw,den
Hartog,den Ouden,den Boer,den Haan,den Hollander,den Dulk,den Braber,den Vogel,de Klerk,de Man,de Rijke,de Nijs,de Kort,de Roode,de Waard,de
Jacobsen Adriaansen Cornelissen Pietersen Claassen Franken Goossens Hendriksen Joosten Lambrechts Michels Nijssen Otten Pauwels Reijnders
Simons Theunissen Verhagen Wagenaar Zuidema Ruiter,de Rijk,van Leur,van Munster,van Rossum,van Tol,van Schaik,van Vugt,van Wieringen,van
Zanten,van Zuilen,van Doorn,van Doesburg,van Buuren,van Asselt,van Amerongen,van Ark,van_der Aa,van_der Molen,van_der Vlist,van_der
Vaart,van_der Steen,van_der Spek,van_der Schaaf,van_der Poel,van_der Plas,van_der Mark,van_der Lee,van_der Hulst,van_der Heide,van_der
Geest,van_der Burg,van_der Bijl,van_der Zee,van_der Zwan,van_der Werf,van_der Water,van_de Wiel,van_de Ven,van_der Vorst,van_de
Voort,van_der Pas,van_de Laar,van_de Kamp,van_de Griend,van_de Beld,van_den Bosse,van_den Hoogen,van_den Eijnden,van_den Elzen,van_den
Hurk,van_den Akker,van_den Berge,van_den Bemt,van_den Hengel,van Kaam,van Klaveren,van Harten,van Hees,van Grinsven,van Brandsma Elzinga
Faber Haitsma Hiemstra Jellema Kalma Leistra Miedema Noordhof Oosterhof Popma Reitsma Sikkema Tuinstra Venema Wijnja Zijlstra Hoogland
Hogeboom Nieuwenhuis Oudshoorn Ketelaar Kloosterman Looman Mosterd Pronk Schaap Spaans Tromp Verkerk Voogd Weijers Zonneveld Bruggeman
Cuijpers Doorenbos
"""
TURKISH = """
Yilmaz Kaya Demir Çelik Şahin Yildiz Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Korkmaz
Çakır Erdoğan Acar Güneş Aktaş Yavuz Özer Taş Bulut Avcı Keskin Turan Ateş Güler Uçar Bozkurt Karaca Duman
"""
MOROCCAN = """
Idrissi,el Amrani,el Mansouri Alaoui Bouzid Haddou Ouali,el Khattabi,el Yahyaoui,el Bakkali,el Ouahabi,el Aissati,el Hamdaoui,el Azzouzi
Benali Bouali Chakir Daoudi Fassi,el Ghazi,el Hassani,el Jabri Kaddouri Lamrani Moussaoui,el Naji Ouazzani Rahmani Saidi Tahiri Zerouali
Ziani Belhaj Bensaid Boukhari Chentouf Mokhtari,el
"""
SURINAMESE = """
Ramdin Sewnarain Mahabier Jagroep Ramlal Bisnajak Sital Khedoe Baldew Gopal Jhinkoe Kalpoe Mangal Oedit Panday Raghoebar Soekhoe Tewarie
Autar Biharie Doerga Pinas Kartosen Soekardi Amatredjo Wongsodikromo Pawiro Kromosoeto Vrede Blokland Landveld Goedschalk Kromhout Esajas
Tjon_A_Loi Lie_A_Fat Wijngaarde Burleson
"""
POLISH = """
Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Jankowski Mazur Krawczyk
Piotrowski Grabowski Pawłowski Michalski Król Wieczorek Jabłoński Wróbel Stępień Malinowski Górski Rutkowski Sikora Baran Duda Szewczyk
Tomaszewski Pietrzak Marciniak Zając
"""

# Stems and tails of which the long tail of surnames is composed.
SURNAME_STEMS = """
Aar Achter Ake Alde Ander Arke Baar Balk Barn Beer Bent Berke Beuke Bies Binne Blank Bloem Boeken Bok Boom Borg Bouw Braak Brede Brem Broer
Brons Bui Buiten Buur Dool Doorn Drie Duin Eek Eik Elle Elsen Enge Erve Esse Fel Fluit Gaar Geel Geest Gijs Glas Goor Graven Grif Groene
Haar Haver Haze Heem Hel Hemel Henge Hers Hoge Hol Hoorn Hout Hul Iep Imme Jaar Kaal Kalk Kamp Kar Kate Keizer Kerse Kie Klaver Klein Klei
Klok Knip Koer Kolk Koper Korte Kraai Kreu Krom Kruis Kwaak Laar Lage Lang Leem Lely Lich Lief Lijs Linde Loo Lubbe Luit Maal Made Mee Meren
Mid Mole Mooi Mos Naal Nap Neder Nes Noord Nije Oever Olde Ooi Ooster Opper Oude Over Paal Pap Pas Peppel Pin Plat Plui Poel Pop Raad Rave
Reng Riet Ring Roe Rog Rose Ruig Rus Rij Scha Schel Schoon Schuur Sijp Slag Slot Smal Snoe Span Spie Staal Steen Ster Stok Stoor Straat
Stroe Suur Tee Ter Tiel Toor Tref Tuin Uiter Vaar Vale Veer Veld Vene Vier Vlas Vlie Voge Voor Vree Waal Wad Wal Warm Water Wede Weer Wes
Wie Wilge Winter Wit Wolf Woud Zaal Zande Zeg Zelle Zie Zilver Zomer Zuider Zwane Zwar Zijde
"""
SURNAME_TAILS = """
aar,1 baas,1 bakker,1 beek,3 berg,3 bergen,2 bes,1 bier,1 boer,1 bos,2 bosch,2 bout,1 brink,3 broek,3 brug,3 burg,3 camp,2 daal,2 dal,2
dam,2 dijk,3 donk,2 dorp,2 draaijer,1 duin,2 eind,2 eren,2 ga,0 gaarde,2 geest,2 gracht,2 haag,2 ham,2 haven,2 heem,2 heide,3 hof,3 hoek,3
hoeven,2 horst,3 hout,2 huis,1 huizen,2 inga,0 ink,1 ing,1 jan,1 kamp,3 kamer,1 kerk,2 kerken,2 koop,1 laan,2 laar,2 land,2 lo,2 loon,2 ma,0
maat,1 makers,1 maker,1 man,0 mans,0 meer,3 meijer,1 molen,3 mond,2 oord,2 pas,2 poel,3 poort,2 rade,2 rooij,2 ring,1 roth,1 schot,2 sema,0
sen,0 sluis,3 sma,0 smit,1 stad,2 steeg,3 steen,2 stra,0 straten,2 stein,2 teren,2 veen,3 veer,2 veld,3 velde,3 ven,3 voort,3 vliet,3
waard,2 waarde,2 weg,2 werf,3 wijk,2 wijzer,1 wout,2 zaad,1 zand,2 zijl,3 zicht,1
"""
# What a tail admits: 0 and 1 never a prefix; 2 sometimes `van`; 3 also `van de`, `van der`, `van den`, `ter`, `ten`.
TAIL_PREFIXES = {"0": ("",), "1": ("", ""), "2": ("", "", "van"), "3": ("", "", "van", "van_de", "van_der", "van_den", "ter", "ten")}

# Given names: `official,calling`; those before 1970 carry baptismal names and are called otherwise.
MEN_BEFORE_1970 = """
Johannes,Jan Cornelis,Kees Hendrik,Henk Willem,Wim Petrus,Piet Jacobus,Jaap Gerardus,Gerard Antonius,Ton Adrianus,Ad Pieter,Piet Johan,Johan
Theodorus,Theo Dirk,Dick Jan,Jan Martinus,Tinus Franciscus,Frans Leendert,Leen Arie,Arie Klaas,Klaas Gerrit,Gerrit Nicolaas,Nico
Albertus,Bert Wilhelmus,Willem Robert,Rob Marinus,Rinus Lambertus,Bertus Bernardus,Ben Simon,Siem Josephus,Jos Jozef,Jef Hubertus,Huub
Ronald,Ron Everardus,Evert Paulus,Paul Michael,Michel Rudolf,Ruud Egbert,Egbert Geert,Geert Harm,Harm Sjoerd,Sjoerd Tjeerd,Tjeerd Anne,Anne
Christiaan,Chris Matthijs,Thijs Laurentius,Lau Godefridus,Frits Reinier,Rein Douwe,Douwe Jelle,Jelle Wiebe,Wiebe Fredericus,Fred
Leonardus,Leo Ludovicus,Louis Stephanus,Steef Ewout,Ewout
"""
WOMEN_BEFORE_1970 = """
Maria,Marie Johanna,Jo Cornelia,Corrie Wilhelmina,Willy Elisabeth,Bep Anna,Annie Catharina,Toos Adriana,Jeanne Hendrika,Riek Petronella,Nel
Jacoba,Co Margaretha,Greet Geertruida,Truus Neeltje,Nel Antonia,Toni Gerarda,Gerda Aaltje,Alie Grietje,Griet Helena,Leni Theodora,Door
Christina,Stien Jannetje,Jannie Trijntje,Tine Lamberta,Bertha Alida,Lida Marina,Rina Francisca,Cisca Hubertina,Tiny Geertje,Geertje
Sjoukje,Sjoukje Tjitske,Tjitske Antje,Ans Ida,Ida Clara,Clara Henriëtte,Jet Josephina,Fien Susanna,Suze Monique,Monique Yvonne,Yvonne
Ingrid,Ingrid Anneke,Anneke Marijke,Marijke Ineke,Ineke Hanneke,Hanneke Marjan,Marjan Ria,Ria Thea,Thea Wilma,Wilma Joke,Joke Coby,Coby
Paulina,Paulien Rosalia,Roos Agnes,Agnes
"""
MEN_SINCE_1970 = """
Dennis Jeroen Mark Bas Martijn Peter Erik Marcel Patrick Rob Sander Tim Niels Rick Thomas Kevin Daan Bram Sem Lars Luuk Jesse Thijs Ruben
Stijn Max Lucas Finn Milan Noah Levi Jasper Wouter Joost Maarten Arjan Edwin Richard Michiel Roel Koen Sjors Pim Tom Gijs Floris Hugo Job
Teun Siebe Jurre Mees Olivier Julian Nick Roy Danny Bart Frank Paul Vincent Stefan Robin Tristan Wessel Ramon Remco Ronald Jorrit Sybren
Tjalling Hidde Jelmer Folkert Rutger Diederik Casper Boaz Xander Quinten Youri Ivo Otto Berend Gerben Harmen Ewoud René André Daniël Raphaël
Joël Timothé
"""
WOMEN_SINCE_1970 = """
Linda Sandra Marieke Esther Petra Wendy Kim Lisa Anouk Sanne Lotte Emma Julia Sophie Eva Lieke Fleur Iris Anne Femke Marloes Chantal Nicole
Monique Saskia Mirjam Ellen Judith Karin Suzanne Inge Laura Roos Maud Noor Tess Mila Sara Zoë Nora Saar Lynn Isa Evi Jasmijn Floor Nina Puck
Britt Demi Naomi Romy Merel Elke Hilde Jolanda Natasja Angelique Bianca Danielle Debby Miranda Renate Sietske Wietske Froukje Ilse Carlijn
Daphne Renske Nienke Marit Myrthe Vera Welmoed Xenia Yara Zita Chloé Renée Désirée Noëlle Michèle Loïs Esmée Benthe Dorien Hester Willemijn
Jantine
"""
MEN_TURKISH = """
Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim İsmail Osman Murat Ömer Yusuf Emre Burak Can Deniz Efe Kaan Serkan Volkan Tolga Onur Kemal
Cengiz
"""
WOMEN_TURKISH = """
Fatma Ayşe Emine Hatice Zeynep Elif Meryem Şerife Zehra Sultan Hanife Merve Büşra Esra Kübra Özlem Derya Gül Selin Ebru Sevgi Yasemin Nur
Aylin
"""
MEN_MOROCCAN = """
Mohamed Ahmed Youssef Rachid Hassan Said Abdel Karim Omar Bilal Hamza Ayoub Ilyas Anas Nordin Mimoun Khalid Driss Mustapha Samir Tarik
Zakaria Ismail Jamal
"""
WOMEN_MOROCCAN = """
Fatima Khadija Naima Malika Samira Hanane Nadia Karima Latifa Aicha Rachida Salma Imane Hajar Soumaya Ikram Sanae Loubna Zineb Houda Asmae
Btissam Najat Yamina
"""
MEN_SURINAMESE = """
Rajesh Soerdj Anil Dewanand Vijay Winston Romeo Clyde Humphrey Errol Orlando Ramon Radjin Sandjai Kenneth Guno Djoemadi Roy Iwan Marlon
Jerrel Stanley Cyriel Edgar
"""
WOMEN_SURINAMESE = """
Sharmila Indra Radha Sunita Ratna Lilian Joyce Mavis Hillegonda Muriel Sabitrie Reshma Santoesha Naomi Cynthia Jacintha Gladys Soraya Wonny
Shanti Kavita Ingrid Urmila Rinia
"""
MEN_POLISH = """
Piotr Krzysztof Andrzej Tomasz Jan Paweł Michał Marcin Jakub Adam Łukasz Grzegorz Mateusz Wojciech Mariusz Dariusz Rafał Kamil Jacek Bartosz
Sławomir Zbigniew Maciej Damian
"""
WOMEN_POLISH = """
Anna Katarzyna Małgorzata Agnieszka Barbara Krystyna Ewa Elżbieta Zofia Joanna Magdalena Monika Dorota Iwona Beata Aleksandra Karolina
Natalia Justyna Sylwia Paulina Marta Kinga Ola
"""

# Places that do not exist, with the sort of name that they would have.
PLACE_HEADS = """
Noord Ooster Wester Zuid Nieuw Oud Hoog Laag Lange Groen Wit Zand Veen Berk Els Eik Linden Wilgen Molen Kerk Ganzen Zwanen Haver Rogge Vlas
Heide Duin Water Meer Rijn Brink Schaaps Koren Riet Bies Dijk
"""
PLACE_TAILS = "brake horne lode wiersum hemer zanden drechten wetering hagen broeke muide kapelle tinga maden gaarde wierde"
STREET_HEADS = """
Kerk Dorps School Molen Linden Eiken Beuken Berken Wilgen Kastanje Populieren Julianen Emma Prinsen Konings Stations Markt Haven Veer Dijk
Polder Weide Akker Koren Rogge Gerste Haver Klaver Bloemen Rozen Tulpen Narcissen Anjer Lelie Viool Merel Lijster Vinken Zwaluw Reiger
Ooievaar Uilen Spechten Leeuwerik Mees Sperwer Bos Heide Duin Zand Veen Turf Water Beek Vijver Meer Rivier Bron Nieuw Oude Lange Korte Hoge
Lage Noorder Zuider Ooster Wester Smids Bakkers Wevers Kuipers Zilver Goud Koper IJzer Tin Diamant Robijn Saffier Opaal Planeten Venus Mars
Saturnus Orion Ster Zonne Maan Vlieger Zeil Schippers Ankers Roer Kompas Loods Baken Fluit Viool Cello Orgel Trommel Zang Schilders Dichters
Tuin Boomgaard Appel Peren Kersen Pruimen Hazelaar Iepen Essen Elzen Meidoorn Vlier
"""
STREET_TAILS = "straat,30 laan,22 weg,18 plein,5 kade,4 singel,4 gracht,3 hof,6 pad,4 dreef,3 steeg,2 dijk,2"
STREET_SHORT = {"straat": "str", "laan": "ln", "weg": "wg", "plein": "pln", "kade": "kd", "singel": "sngl", "gracht": "gr."}
ADDITIONS = "A A A B B C D bis II III 1 2 H hs rd"
AREA_CODES = """
010 013 015 020 023 024 026 030 033 035 036 038 040 043 045 046 050 053 055 058 070 071 072 073 074 075 076 077 078 079 0111 0113 0114 0162
0164 0172 0182 0222 0228 0229 0252 0297 0299 0314 0318 0321 0341 0343 0345 0411 0412 0413 0416 0418 0475 0478 0481 0486 0487 0492 0493 0495
0497 0499 0511 0512 0515 0517 0519 0521 0522 0523 0525 0527 0528 0541 0545 0546 0548 0561 0566 0571 0575 0591 0592 0594 0597 0598
"""

# Firms.
TRADES = """
Bakkerij Slagerij Schildersbedrijf Timmerbedrijf Loodgietersbedrijf Installatiebedrijf Garage Kapsalon Hoveniersbedrijf Administratiekantoor
Drukkerij Transportbedrijf Bloemenhandel Rijwielhandel Notariskantoor Tandartspraktijk Fysiotherapie Makelaardij Restaurant Cafetaria
Boekhandel Dierenpraktijk Machinefabriek Groothandel Aannemersbedrijf Reisbureau Uitgeverij Webbureau Adviesbureau
"""
FIRM_NAMES = """
De_Gouden_Aar Het_Anker De_Zwaan De_Linde Noorderlicht De_Brug Het_Baken Zonneveld De_Molen De_Vuurtoren Meridiaan Horizon De_Klok
De_Sleutel De_Pauw De_Kroon Waterland Hoogland De_Eik De_Lelie Vooruit Eendracht De_Hoop Concordia Aurora Polaris Kompas Spectrum De_Vlieger
De_Oever Blauwe_Reiger De_Leeuw Zeezicht Landzicht De_Korf De_Schakel Fortuna Phoenix Delta Zenit
"""
FOUNDATIONS = """
Kinderopvang Buurthuis Muziekschool Sportpark Bibliotheek Ouderenzorg Dorpshuis Speeltuin Voedselbank Natuurbeheer Toneelvereniging
Streekmuseum
"""
BANKS = "LLBK POLD ZEEB DUIN HOEK"
MAIL_DOMAINS = "post.example,40 mail.example,25 brief.example,15 thuis.example,10 lagelanden.example,10"
